/** A data set of files: its index is made once, and then any sample is one read. */

import { stat } from 'node:fs/promises';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { ChatRexError } from '../errors.ts';
import type { ImageSize, RgbImage } from '../image/rgb-image.ts';
import { cacheFolder, indexKey } from './cache-folder.ts';
import type { Dataset, OpenContext, VocabularyEntry } from './dataset.ts';
import { countFaults, describeFault, FaultLog, type FaultSummary } from './faults.ts';
import { loadImage, probeSize } from './image-bytes.ts';
import { imageFolder, readSamples } from './read-samples.ts';
import type { Reader, ReaderContext } from './reader.ts';
import { openIndex, type RecordIndex, writeIndex } from './record-index.ts';
import type { ImageRef, Sample } from './sample.ts';
import { conversationsOf } from './tasks/conversations.ts';

/** An `OpenContext` whose fields all have defaults; see `cacheFolder` for that of the cache. */
export interface OpenDatasetOptions extends Partial<OpenContext> {
  /** Whether any fault in the data is an error. */
  readonly isStrict?: boolean;
  /** Whether the index is written even where there is one. */
  readonly isRebuilt?: boolean;
  /** Told while an index is written: samples so far, and bytes of the files read and in all. */
  readonly onProgress?: (progress: IndexProgress) => void;
}

export interface IndexProgress {
  readonly samples: number;
  readonly bytesRead: number;
  readonly bytesTotal: number;
}

/** A data set with what its index knows beside samples. */
export interface IndexedDataset extends Dataset {
  readonly faults: FaultSummary;
  /** What the reader decided on the way, such as which convention the boxes follow. */
  readonly notes: readonly string[];
  /** The folder of the index. */
  readonly indexFolder: string;
  /** All samples in order, streamed. */
  samples(): AsyncIterable<Sample>;
}

/** All samples of any data set in order; streamed where it is on disk. */
export async function* samplesOf(dataset: Dataset | IndexedDataset): AsyncGenerator<Sample> {
  if ('samples' in dataset) yield* dataset.samples();
  else for (let index = 0; index < dataset.size; index++) yield await dataset.sample(index);
}

/** What is wrong with a data set; nothing where it is not read from files. */
export function faultsOf(dataset: Dataset | IndexedDataset): FaultSummary {
  return 'faults' in dataset ? dataset.faults : {};
}

/**
 * Opens a data set of files; the first time, its index is written to the cache folder.
 * @param options as the schema of the reader gives them
 * @throws ChatRexError for missing or unreadable files, and with `isStrict` for faults
 */
export async function openIndexed<Options extends object>(
  reader: Reader<Options>,
  options: Options,
  settings: OpenDatasetOptions = {},
): Promise<IndexedDataset> {
  const dataRoot = settings.dataRoot ?? '.';
  const resolvePath = (path: string) => resolve(dataRoot, path);
  const sources = await reader.sources(options, resolvePath);
  const key = await indexKey({
    format: reader.format,
    readerVersion: reader.version,
    options: options as Record<string, unknown>,
    sources,
    resolve: resolvePath,
  });
  const folder = join(cacheFolder(settings.cacheFolder), 'datasets', key);
  let index = settings.isRebuilt ? undefined : await openIndex(folder);
  if (index === undefined) {
    await buildIndex(folder, reader, options, resolvePath, settings);
    index = await openIndex(folder);
  }
  if (index === undefined) {
    throw new ChatRexError('runtime', `${folder} was changed while it was written: run this again`);
  }
  const named = [...sources.files, ...(sources.trees ?? []), ...(sources.folders ?? [])][0] ?? '';
  const name = `${reader.format}:${basename(named)}`;
  if (settings.isStrict) {
    const { faults } = index.head;
    if (countFaults(faults) > 0) await index.close();
    assertNoFaults(name, faults);
  }
  // Samples have paths relative to the data root, as the spec has.
  const shown = await imageFolder(reader, options, resolvePath);
  return indexedDataset(name, folder, index, { shown, root: resolvePath(shown) });
}

function assertNoFaults(name: string, faults: FaultSummary): void {
  const count = countFaults(faults);
  if (count === 0) return;
  const first = Object.values(faults)[0].examples[0];
  const message = `${name} has ${count} ${count === 1 ? 'fault' : 'faults'}, the first: ${describeFault(first)}`;
  throw new ChatRexError('invalid-file', `${message}; chatrex data inspect lists them`);
}

async function buildIndex<Options extends object>(
  folder: string,
  reader: Reader<Options>,
  options: Options,
  resolvePath: (path: string) => string,
  { onProgress, onStatus, signal, isRebuilt }: OpenDatasetOptions,
): Promise<void> {
  const faults = new FaultLog();
  const notes: string[] = [];
  let vocabulary: readonly VocabularyEntry[] = [];
  const bytesTotal = await totalBytes((await reader.sources(options, resolvePath)).files.map(resolvePath));
  let bytesRead = 0;
  let samples = 0;
  const tell = () => {
    onProgress?.({ samples, bytesRead, bytesTotal });
    onStatus?.(`reading ${reader.format}: ${Math.floor((100 * bytesRead) / Math.max(1, bytesTotal))} %`);
  };
  await writeIndex(
    folder,
    (scratch) => {
      const context: ReaderContext = {
        report: (fault) => faults.report(fault),
        note: (text) => notes.push(text),
        resolve: resolvePath,
        scratch,
        setVocabulary: (entries) => {
          vocabulary = entries;
        },
        onBytes: (count) => {
          bytesRead += count;
          tell();
        },
        signal,
      };
      return readSamples(reader, options, context);
    },
    () => ({ format: reader.format, vocabulary, faults: faults.summary(), notes }),
    {
      isReplacing: isRebuilt,
      onSample: (count) => {
        samples = count;
        if (count % 1000 === 0) tell();
      },
    },
  );
}

async function totalBytes(paths: readonly string[]): Promise<number> {
  const sizes = await Promise.all(paths.map((path) => stat(path).then(({ size }) => size)));
  return sizes.reduce((sum, size) => sum + size, 0);
}

interface ImageFolders {
  readonly shown: string;
  readonly root: string;
}

function indexedDataset(name: string, folder: string, index: RecordIndex, images: ImageFolders): IndexedDataset {
  const { head } = index;
  const assertInside = (at: number) => {
    if (Number.isInteger(at) && at >= 0 && at < head.size) return;
    throw new ChatRexError('invalid-argument', `sample ${at} of ${name}: expected 0 to ${head.size - 1}`);
  };
  const stored = async (at: number) => {
    assertInside(at);
    return index.sample(at);
  };
  return {
    name,
    fingerprint: head.fingerprint,
    size: head.size,
    vocabulary: head.vocabulary,
    faults: head.faults,
    notes: head.notes,
    indexFolder: folder,
    sample: async (at) => withImageFolder(await stored(at), images.shown),
    imageSize: async (at) => sizeOfImage(name, await stored(at), images.root),
    image: async (at, atLeast) => imageOf(name, await stored(at), images.root, atLeast),
    conversations: async (at, wish) => conversationsOf(await stored(at), head.vocabulary, wish),
    async *samples() {
      for await (const sample of index.samples()) yield withImageFolder(sample, images.shown);
    },
    close: () => index.close(),
  };
}

function withImageFolder(sample: Sample, folder: string): Sample {
  const { image } = sample;
  if (image === undefined || isAbsolute(image.file)) return sample;
  return { ...sample, image: { ...image, file: join(folder, image.file) } };
}

/** Shapes that differ by more than this are not the same image at another size. */
const maxAspectError = 0.02;

async function imageOf(name: string, sample: Sample, root: string, atLeast?: ImageSize): Promise<RgbImage> {
  const place = `sample ${sample.id} of ${name}`;
  const image = await ofImage(place, sample, (reference) => loadImage(root, reference, atLeast));
  const stated = sample.image?.size;
  if (stated !== undefined && !hasSameShape(stated, image)) {
    const sizes = [image, stated].map(({ width, height }) => `${width} x ${height}`);
    const message = `the image is ${sizes[0]}, its annotation says ${sizes[1]}`;
    throw new ChatRexError('invalid-file', `${place}: ${message}: its boxes are of another image`);
  }
  return image;
}

async function sizeOfImage(name: string, sample: Sample, root: string): Promise<ImageSize> {
  return ofImage(`sample ${sample.id} of ${name}`, sample, (image) => image.size ?? probeSize(root, image));
}

/** Work on the image of a sample; errors name the sample. */
async function ofImage<T>(place: string, { image }: Sample, work: (image: ImageRef) => T | Promise<T>): Promise<T> {
  if (image === undefined) throw new ChatRexError('invalid-argument', `${place} has no image, only text`);
  try {
    return await work(image);
  } catch (cause) {
    if (!(cause instanceof ChatRexError)) throw cause;
    throw new ChatRexError(cause.code, `${place}: ${cause.message}`, { cause });
  }
}

/** Whether two sizes can be of one image; sides of shrunk images are rounded. */
export function hasSameShape(a: ImageSize, b: ImageSize): boolean {
  const slack = maxAspectError + 1 / Math.min(a.width, a.height, b.width, b.height);
  return Math.abs(Math.log((a.width * b.height) / (a.height * b.width))) <= slack;
}
