/** Runs a reader: drafts become samples, images are looked for, and an identifier that comes twice is a fault. */

import { dirname } from 'node:path';
import { ChatRexError } from '../errors.ts';
import type { ImageSize } from '../image/rgb-image.ts';
import type { Fault } from './faults.ts';
import { finishSample } from './finish-sample.ts';
import { IdSet } from './id-set.ts';
import { imageExists, imagePath, probeSize } from './image-bytes.ts';
import { type CommonOptions, withCommonOptions } from './options.ts';
import type { DraftSample, Reader, ReaderContext } from './reader.ts';
import type { Sample } from './sample.ts';

/** Headers of images that are read at the same time. */
const concurrentProbes = 16;

/** Where image files of drafts are looked for: the folder of the options, or that of the annotations. */
export function imageRoot<Options>(
  reader: Reader<Options>,
  options: Options,
  resolvePath: (path: string) => string,
): string {
  const folder = reader.imageFolder(options);
  if (folder !== undefined) return resolvePath(folder);
  const [file] = reader.sources(options).files;
  return file === undefined ? resolvePath('.') : dirname(resolvePath(file));
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
  const root = imageRoot(reader, options, context.resolve);
  const finder = reader.hasImages(options) ? new ImageFinder(root, context.report) : undefined;
  const seen = new IdSet();
  let batch: DraftSample[] = [];
  const finishBatch = async (): Promise<Sample[]> => {
    const sizes = await Promise.all(batch.map((draft) => finder?.find(draft) ?? draft.image?.size));
    const samples = batch.flatMap((draft, at) => {
      const size = sizes[at];
      return size === 'left out' ? [] : [finishSample(draft, size, context.report)];
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

  find({ id, image }: DraftSample): Promise<ImageSize | 'left out'> | ImageSize | 'left out' | undefined {
    if (image === undefined) return undefined;
    if (!imageExists(this.#root, image)) {
      this.#missing++;
      this.#example ||= imagePath(this.#root, image.file);
      this.#report({ kind: 'missing-image', sample: id, value: image.file });
      return 'left out';
    }
    this.#found++;
    if (image.size !== undefined) return image.size;
    return probeSize(this.#root, image).catch((error: unknown) => {
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
