/**
 * A run in the layout of Rexverse-2M (IDEA-Research/Rexverse-2M): an image TSV of keys and base64, annotation TSVs
 * whose lines are a byte offset into it and JSON, and beside each of those a `.lineidx` with the byte at which each of
 * its lines starts.
 *
 * The release has a file of one-sentence descriptions and one of referring expressions; the short phrases, with those
 * that nothing fits, are a third. Boxes are xyxy in pixels; null says that nothing in the image fits the phrase.
 */

import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BoxXyxy } from '../../boxes/box.ts';
import type { PhraseKind, Sample } from '../../datasets/sample.ts';
import { ChatRexError } from '../../errors.ts';
import { writeAll } from '../../files.ts';
import { annotatedImages } from './annotated-images.ts';
import { toSample } from './to-sample.ts';

interface Box {
  readonly bbox: BoxXyxy | null;
  readonly phrase: string;
}

/** What each annotation file holds of a sample. */
const annotationFiles: Readonly<Record<string, (sample: Sample) => Box[]>> = {
  'short_phrase.annotation.tsv': (sample) => boxesOf(sample, ['name', 'phrase']),
  'one_sentence.annotation.tsv': (sample) => boxesOf(sample, ['description']),
  'referring.annotations.tsv': (sample) => boxesOf(sample, ['referring']),
};

function boxesOf({ phrases, regions }: Sample, kinds: readonly PhraseKind[]): Box[] {
  return phrases
    .filter(({ kind }) => kinds.includes(kind))
    .flatMap(({ text, regions: named }): Box[] =>
      named.length === 0
        ? [{ bbox: null, phrase: text }]
        : named.map((at) => ({ bbox: regions[at].boxXyxy, phrase: text })),
    );
}

/**
 * @param out a folder that does not exist yet
 * @returns how many images were written
 * @throws ChatRexError 'invalid-argument' when the folder exists
 */
export async function exportRexverseTsv(folder: string, out: string): Promise<number> {
  const draft = `${out}.tmp`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true });
  const names = Object.keys(annotationFiles);
  const images = await Lines.open(join(draft, 'image.tsv'));
  const annotations = await Promise.all(names.map((name) => Lines.open(join(draft, name))));
  let count = 0;
  try {
    for await (const { outcome, file } of annotatedImages(folder)) {
      const sample = toSample(outcome, file);
      const offset = await images.add(`${sample.id}\t${(await readFile(file)).toString('base64')}`);
      for (const [at, name] of names.entries()) {
        const boxes = annotationFiles[name](sample);
        if (boxes.length > 0) await annotations[at].add(`${offset}\t${JSON.stringify({ boxes })}`);
      }
      count++;
    }
  } finally {
    for (const one of [images, ...annotations]) await one.close();
  }
  await rename(draft, out).catch((cause) => {
    throw new ChatRexError('invalid-argument', `${out} exists; give a folder that does not`, { cause });
  });
  return count;
}

/** A file of lines with the file of their places beside it. */
class Lines {
  readonly #file: FileHandle;
  readonly #index: FileHandle;
  #end = 0;

  private constructor(file: FileHandle, index: FileHandle) {
    this.#file = file;
    this.#index = index;
  }

  static async open(path: string): Promise<Lines> {
    return new Lines(await open(path, 'wx'), await open(`${path}.lineidx`, 'wx'));
  }

  /** @returns the byte at which the line starts */
  async add(line: string): Promise<number> {
    const start = this.#end;
    const bytes = Buffer.from(`${line}\n`);
    await writeAll(this.#file, bytes);
    await writeAll(this.#index, Buffer.from(`${start}\n`));
    this.#end += bytes.length;
    return start;
  }

  async close(): Promise<void> {
    await Promise.all([this.#file.close(), this.#index.close()]);
  }
}
