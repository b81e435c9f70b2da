/** Writes any data set in another format. What is written appears under its name only when it is complete. */

import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { ChatRexError } from '../errors.ts';
import { writeBeside } from '../files.ts';
import type { Dataset, VocabularyEntry } from './dataset.ts';
import { samplesOf } from './indexed-dataset.ts';
import { OutgoingImages } from './outgoing-images.ts';
import { didYouMean } from './spec.ts';
import type { FileWriter, LossCounts, OutgoingSample, WriteInput } from './writer.ts';

export interface ConvertOptions {
  /** One of `writtenFormats`. */
  readonly format: string;
  /** The file to write; for YOLO, the folder. */
  readonly out: string;
  /** What relative image files are relative to; the working directory by default. */
  readonly dataRoot?: string;
  /** What a file with a place for it says that it holds; the data set's name by default. */
  readonly description?: string;
  /** Whether images are copied beside the file; YOLO copies always. */
  readonly hasCopies?: boolean;
  /** Whether what is at `out` already is replaced. */
  readonly isForced?: boolean;
  readonly signal?: AbortSignal;
  /** Told how many samples of all passes have been written, and how many there will be. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface ConvertReport {
  readonly samples: number;
  readonly copiedImages: number;
  /** What the format has no place for. */
  readonly lost: LossCounts;
  /** What was written: files and folders. */
  readonly files: readonly string[];
}

const fileWriters: Readonly<Record<string, () => Promise<{ writer: FileWriter }>>> = {
  coco: () => import('./writers/coco.ts'),
  'json-lines': () => import('./writers/json-lines.ts'),
  'label-studio': () => import('./writers/label-studio.ts'),
  parquet: () => import('./writers/parquet.ts'),
};

/** Formats that can be written. */
export const writtenFormats: readonly string[] = [...Object.keys(fileWriters), 'yolo'];

/** COCO is written in three passes, the others in one. */
const passes = (format: string) => (format === 'coco' ? 3 : 1);

/**
 * Writes a data set.
 * @throws ChatRexError 'invalid-argument' for an unknown format, or if `out` exists and `isForced` is not set
 * @example await convertDataset(dataset, { format: 'yolo', out: 'cups' });
 */
export async function convertDataset(dataset: Dataset, options: ConvertOptions): Promise<ConvertReport> {
  const { format, isForced = false } = options;
  const out = resolve(options.out);
  if (!writtenFormats.includes(format)) {
    const message = `${format} cannot be written${didYouMean(format, writtenFormats)}`;
    throw new ChatRexError('invalid-argument', `${message}; there are ${writtenFormats.join(', ')}`);
  }
  if (existsSync(out) && !isForced) {
    throw new ChatRexError('invalid-argument', `${options.out} exists: choose another path, or --force to replace it`);
  }
  if (!existsSync(dirname(out))) {
    throw new ChatRexError('not-found', `${dirname(options.out)} does not exist: make the folder first`);
  }
  return format === 'yolo' ? convertToFolder(dataset, out, options) : convertToFile(dataset, out, options);
}

type Losses = { lost: Record<string, number>; lose(kind: string, count?: number): void };

function losses(): Losses {
  const lost: Record<string, number> = {};
  return {
    lost,
    lose: (kind, count = 1) => {
      lost[kind] = (lost[kind] ?? 0) + count;
    },
  };
}

async function convertToFile(dataset: Dataset, out: string, options: ConvertOptions): Promise<ConvertReport> {
  const { writer } = await fileWriters[options.format]();
  // Copies lie in a folder that is named after the file.
  const copies = `${basename(out, extname(out))}-images`;
  const copyFolder = join(dirname(out), copies);
  if (existsSync(copyFolder) && options.hasCopies) {
    throw new ChatRexError('invalid-argument', `${copyFolder} exists: remove it, or choose another --out`);
  }
  const temporary = `${copyFolder}.${randomUUID()}.tmp`;
  const images = new OutgoingImages(dataset, {
    dataRoot: resolve(options.dataRoot ?? '.'),
    folder: dirname(out),
    copies: { folder: temporary, name: copies },
    isCopied: options.hasCopies ?? false,
    hasRanges: options.format === 'json-lines',
  });
  const { lost, lose } = losses();
  const input = await writeInput(dataset, images, options);
  const files = [out];
  try {
    await writeBeside(out, async (file) => {
      await orWriteError(out, () => writer.write(file, input, lose));
      if (images.copied === 0) return;
      if (existsSync(copyFolder)) throw new ChatRexError('invalid-argument', `${copyFolder} exists: remove it first`);
      await rename(temporary, copyFolder);
      files.push(copyFolder);
    });
    if (options.format === 'label-studio') files.push(await writeLabelingConfig(out, input.vocabulary));
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return { samples: dataset.size, copiedImages: images.copied, lost, files };
}

async function writeLabelingConfig(out: string, vocabulary: readonly VocabularyEntry[]): Promise<string> {
  const { labelingConfig } = await import('./writers/label-studio.ts');
  const path = `${out.slice(0, out.length - extname(out).length)}-labels.xml`;
  await writeBeside(path, (file) => file.writeFile(labelingConfig(vocabulary)));
  return path;
}

async function convertToFolder(dataset: Dataset, out: string, options: ConvertOptions): Promise<ConvertReport> {
  const { writeYolo } = await import('./writers/yolo.ts');
  if (existsSync(out) && !existsSync(join(out, 'data.yaml'))) {
    throw new ChatRexError('invalid-argument', `${options.out} is no YOLO folder, it is not replaced: choose another`);
  }
  const temporary = `${out}.${randomUUID()}.tmp`;
  const copies = { folder: join(temporary, 'images', 'train'), name: 'images/train' };
  const images = new OutgoingImages(dataset, {
    dataRoot: resolve(options.dataRoot ?? '.'),
    folder: temporary,
    copies,
    isCopied: true,
    hasRanges: false,
  });
  const { lost, lose } = losses();
  const input = await writeInput(dataset, images, options);
  try {
    await orWriteError(temporary, async () => {
      await mkdir(copies.folder, { recursive: true });
      await writeYolo(temporary, input, lose);
    });
    await replaceFolder(temporary, out);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return { samples: dataset.size, copiedImages: images.copied, lost, files: [out] };
}

/** The old folder disappears only once the new one is in its place. */
async function replaceFolder(temporary: string, out: string): Promise<void> {
  if (!existsSync(out)) return rename(temporary, out);
  const old = `${out}.${randomUUID()}.old`;
  await rename(out, old);
  await rename(temporary, out);
  await rm(old, { recursive: true });
}

async function writeInput(dataset: Dataset, images: OutgoingImages, options: ConvertOptions): Promise<WriteInput> {
  const total = dataset.size * passes(options.format);
  let done = 0;
  return {
    dataset,
    description: options.description ?? dataset.name,
    vocabulary: await fullVocabulary(dataset),
    async *samples(): AsyncGenerator<OutgoingSample> {
      let index = 0;
      for await (const sample of samplesOf(dataset)) {
        if (options.signal?.aborted) throw new ChatRexError('aborted', 'writing the data set was interrupted');
        const image = await images.nameOf(index++, sample);
        yield { sample, ...(image && { image }) };
        options.onProgress?.(++done, total);
      }
    },
  };
}

/** The vocabulary, and names of regions that are not in it. */
async function fullVocabulary(dataset: Dataset): Promise<VocabularyEntry[]> {
  const known = new Set(dataset.vocabulary.map(({ name }) => name));
  const others = new Set<string>();
  for await (const { regions } of samplesOf(dataset)) {
    for (const { category } of regions) if (category !== undefined && !known.has(category)) others.add(category);
  }
  return [...dataset.vocabulary, ...[...others].map((name) => ({ name }))];
}

async function orWriteError<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (cause instanceof ChatRexError || typeof code !== 'string') throw cause;
    const reason = code === 'ENOSPC' ? 'the disk is full' : code;
    throw new ChatRexError('runtime', `cannot write ${path} (${reason}); nothing is left of it`, { cause });
  }
}
