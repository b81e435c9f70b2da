/** What a writer of data sets is: samples in, files out, and a count of what the format has no place for. */

import type { FileHandle } from 'node:fs/promises';
import { writeAll } from '../files.ts';
import type { Dataset, VocabularyEntry } from './dataset.ts';
import type { ImageRef, Sample } from './sample.ts';

/** What a format could not hold, by kind, counted: never a silent loss. */
export type LossCounts = Readonly<Record<string, number>>;

/** A sample on its way out, with its image under the name that the written file gives it. */
export interface OutgoingSample {
  readonly sample: Sample;
  /** Relative to the folder of the written file; its size is known. Undefined for text alone. */
  readonly image?: ImageRef & Required<Pick<ImageRef, 'size'>>;
}

export interface WriteInput {
  readonly dataset: Dataset;
  readonly description: string;
  /** All samples in order; may be asked for more than once. */
  samples(): AsyncIterable<OutgoingSample>;
  /** Categories of the data set, and those that regions have beside them. */
  readonly vocabulary: readonly VocabularyEntry[];
}

/** Writes one file. `lose` counts what has no place. */
export interface FileWriter {
  readonly format: string;
  /** The ending that the file should have. */
  readonly ending: string;
  write(file: FileHandle, input: WriteInput, lose: (kind: string, count?: number) => void): Promise<void>;
}

/** Gathers text and writes it in large pieces. */
export class TextOutput {
  readonly #file: FileHandle;
  #parts: string[] = [];
  #length = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async write(text: string): Promise<void> {
    this.#parts.push(text);
    this.#length += text.length;
    if (this.#length > bufferLength) await this.flush();
  }

  async flush(): Promise<void> {
    await writeAll(this.#file, Buffer.from(this.#parts.join('')));
    this.#parts = [];
    this.#length = 0;
  }
}

const bufferLength = 1 << 20;

/** Counts what box formats (COCO, YOLO, Label Studio) have no place for. */
export function loseBesideBoxes(
  { phrases, conversations }: Sample,
  lose: (kind: string, count?: number) => void,
): void {
  if (phrases.length > 0) lose('phrases', phrases.length);
  if (conversations.length > 0) lose('conversations', conversations.length);
}

/** The name that regions without one have in formats that demand one. */
export const namelessCategory = 'object';
