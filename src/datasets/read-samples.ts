/** Runs a reader: drafts become samples, images are looked for, and an identifier that comes twice is a fault. */

import { dirname } from 'node:path';
import { ChatRexError } from '../errors.ts';
import type { Fault } from './faults.ts';
import { finishSample } from './finish-sample.ts';
import { IdSet } from './id-set.ts';
import { imageExists, imagePath, probeSize } from './image-bytes.ts';
import { type CommonOptions, withCommonOptions } from './options.ts';
import type { DraftSample, Reader, ReaderContext } from './reader.ts';
import type { ImageRef, Sample } from './sample.ts';

/** Headers of images that are read at the same time. */
const concurrentProbes = 16;

/** Where image files of drafts are looked for: the folder of the options, or that of the annotations. */
export async function imageFolder<Options>(
  reader: Reader<Options>,
  options: Options,
  resolvePath: (path: string) => string,
): Promise<string> {
  const folder = reader.imageFolder(options);
  if (folder !== undefined) return folder;
  const { files, trees = [] } = await reader.sources(options, resolvePath);
  return files[0] !== undefined ? dirname(files[0]) : (trees[0] ?? '.');
}

/**
 * The samples of a data set, in the order of its files.
 * @throws ChatRexError for files that cannot be read at all, and where images are looked for and none is found
 */
export async function* readSamples<Options>(
  reader: Reader<Options>,
  options: Options,
  context: ReaderContext,
): AsyncGenerator<Sample> {
  const root = context.resolve(await imageFolder(reader, options, context.resolve));
  const finder = reader.hasImages(options) ? new ImageFinder(root, context.report) : undefined;
  const seen = new IdSet();
  let batch: DraftSample[] = [];
  const finishBatch = async (): Promise<Sample[]> => {
    const found = await Promise.all(batch.map((draft) => finder?.find(draft) ?? draft.image));
    const samples = batch.flatMap((draft, at) => {
      const image = found[at];
      return image === 'left out' ? [] : [finishSample({ ...draft, image }, context.report)];
    });
    batch = [];
    return samples;
  };
  for await (const draft of reader.read(options, context)) {
    if (context.signal?.aborted) throw new ChatRexError('aborted', 'reading the data set was interrupted');
    if (!seen.add(draft.id)) {
      context.report({ kind: 'duplicate-image', sample: draft.id });
      continue;
    }
    batch.push(withCommonOptions(draft, options as CommonOptions));
    if (batch.length >= concurrentProbes) yield* await finishBatch();
  }
  yield* await finishBatch();
  finder?.assertAny();
}

/** Looks for images and reads the sizes that annotations do not state. */
class ImageFinder {
  readonly #root: string;
  readonly #report: (fault: Fault) => void;
  #found = 0;
  #missing = 0;
  #example = '';

  constructor(root: string, report: (fault: Fault) => void) {
    this.#root = root;
    this.#report = report;
  }

  /** The image under the name that exists, with its size. */
  find(draft: DraftSample): Promise<ImageRef | 'left out'> | ImageRef | 'left out' | undefined {
    const { id, image: stated, otherFiles = [] } = draft;
    if (stated === undefined) return undefined;
    const image = [stated, ...otherFiles.map((file) => ({ ...stated, file }))].find((candidate) =>
      imageExists(this.#root, candidate),
    );
    if (image === undefined) {
      this.#missing++;
      this.#example ||= imagePath(this.#root, stated.file);
      this.#report({ kind: 'missing-image', sample: id, value: stated.file });
      return 'left out';
    }
    this.#found++;
    if (image.size !== undefined) return image;
    const sized = probeSize(this.#root, image).then((size) => ({ ...image, size }));
    return sized.catch((error: unknown) => {
      if (!(error instanceof ChatRexError)) throw error;
      this.#report({ kind: 'unreadable-image', sample: id, value: error.message });
      return 'left out' as const;
    });
  }

  assertAny(): void {
    if (this.#found > 0 || this.#missing === 0) return;
    const message = `none of ${this.#missing} images exists, the first would be ${this.#example}`;
    throw new ChatRexError('not-found', `${message}: check images=FOLDER of the data set`);
  }
}
