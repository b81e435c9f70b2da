/** Runs a reader on files made for a test. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { VocabularyEntry } from '../dataset.ts';
import { FaultLog, type FaultSummary } from '../faults.ts';
import { readSamples } from '../read-samples.ts';
import type { Reader, ReaderContext } from '../reader.ts';
import type { Sample } from '../sample.ts';
import { parseOptions } from '../spec.ts';

export type TestFiles = Readonly<Record<string, string | Uint8Array | object>>;

export interface ReadResult {
  readonly samples: readonly Sample[];
  readonly vocabulary: readonly VocabularyEntry[];
  readonly faults: FaultSummary;
  readonly notes: readonly string[];
}

/** Writes files below a new folder, runs `use` on the folder, and removes it. Objects are written as JSON. */
export async function withFiles<T>(files: TestFiles, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'chatrex-data-'));
  try {
    for (const [name, content] of Object.entries(files)) {
      const path = join(folder, name);
      await mkdir(dirname(path), { recursive: true });
      const isText = typeof content === 'string' || content instanceof Uint8Array;
      await writeFile(path, isText ? content : JSON.stringify(content));
    }
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** All that a reader says of files; `options` are checked as those of a spec are. */
export async function readFiles<Options>(
  reader: Reader<Options>,
  files: TestFiles,
  options: Record<string, unknown>,
): Promise<ReadResult> {
  return withFiles(files, (folder) => readFolder(reader, folder, options));
}

/** All that a reader says of the files in a folder. */
export async function readFolder<Options>(
  reader: Reader<Options>,
  folder: string,
  options: Record<string, unknown>,
): Promise<ReadResult> {
  const faults = new FaultLog();
  let vocabulary: readonly VocabularyEntry[] = [];
  let scratches = 0;
  const notes: string[] = [];
  const context: ReaderContext = {
    report: (fault) => faults.report(fault),
    resolve: (path) => resolve(folder, path),
    scratch: async () => {
      const path = join(folder, `scratch-${scratches++}`);
      await mkdir(path);
      return path;
    },
    onBytes: () => {},
    note: (text) => notes.push(text),
    setVocabulary: (entries) => {
      vocabulary = entries;
    },
  };
  const samples: Sample[] = [];
  for await (const sample of readSamples(reader, parseOptions(reader.format, reader.options, options), context)) {
    samples.push(sample);
  }
  return { samples, vocabulary, faults: faults.summary(), notes };
}

/** How many faults of each kind there are. */
export function faultCounts({ faults }: ReadResult): Record<string, number> {
  return Object.fromEntries(Object.entries(faults).map(([kind, { count }]) => [kind, count]));
}
