/** Images as batches for UPN training: pixels and padding, and for each prompt what is known of the objects. */

import { xyxyToCxcywh } from '../../boxes/convert.ts';
import type { Dataset } from '../../datasets/dataset.ts';
import type { Coverage } from '../../datasets/sample.ts';
import { lookAt, randomView, type View, type ViewedRegion, wholeView } from '../../datasets/view/view.ts';
import { createImageBatch, IMAGENET_STATISTICS, setImage } from '../../image/normalize.ts';
import type { ImageSize, RgbImage } from '../../image/rgb-image.ts';
import type { Granularity } from '../../proposals/network.ts';
import { createRandom, type Random } from '../../random.ts';
import { type HostTensor, hostTensor } from '../../runtime/host-tensor.ts';
import { contentSize } from './canvas.ts';
import { granularities, type UpnTrainingConfig } from './loss.ts';

/** Boxes of an image, [K, 4] centre and size as shares of its content: the canvas without its padding. */
export type Boxes = Float32Array;

/** What is known of the objects of an image that are answers to one prompt. */
export interface PromptTruth {
  readonly objects: Boxes;
  /** Places that may hold objects which are not annotated one by one: predictions there are neither right nor wrong. */
  readonly ignored: Boxes;
  /** Whether everything without a box is background. */
  readonly isComplete: boolean;
}

/** An image that a batch shows; null where it could not be read. */
export interface UpnExample {
  readonly image: RgbImage;
  /** Null for a prompt that the annotations say nothing about. */
  readonly truths: Readonly<Record<Granularity, PromptTruth | null>>;
}

export interface UpnBatch {
  /** Index of the configuration's canvas. */
  readonly canvas: number;
  readonly feeds: Readonly<Record<string, HostTensor>>;
  /** Per prompt, per image. */
  readonly truths: Readonly<Record<Granularity, readonly (PromptTruth | null)[]>>;
  /** Images that could not be read: they teach nothing. */
  readonly unreadable: number;
}

type ViewSettings = Pick<UpnTrainingConfig, 'upn' | 'canvases'>;

/**
 * Reads and shows one sample.
 * @param random decides the augmentation; without it the whole image is shown as it is
 */
export async function upnExample(
  dataset: Dataset,
  index: number,
  { upn, canvases }: ViewSettings,
  canvas: number,
  random?: Random,
): Promise<UpnExample> {
  const [{ regions, coverage }, original] = await Promise.all([dataset.sample(index), dataset.imageSize(index)]);
  const view: View = random ? randomView(original, random) : wholeView(original);
  const content = contentSize(view, canvases[canvas], upn);
  // Enough pixels that the view need not be enlarged.
  const atLeast = {
    width: Math.ceil((content.width * original.width) / view.width),
    height: Math.ceil((content.height * original.height) / view.height),
  };
  const image = await dataset.image(index, atLeast);
  const seen = lookAt(image, original, regions, view, content);
  const truthOf = (granularity: Granularity) =>
    promptTruth(seen.regions, coverage, granularity, content, upn.numQueries, random ?? createRandom(`whole/${index}`));
  return { image: seen.image, truths: { fine: truthOf('fine'), coarse: truthOf('coarse') } };
}

/** @param most objects that there are queries for; of more, a random choice is asked for and the others are ignored */
function promptTruth(
  regions: readonly ViewedRegion[],
  { complete }: Coverage,
  granularity: Granularity,
  content: ImageSize,
  most: number,
  random: Random,
): PromptTruth | null {
  const isComplete = complete.includes(granularity);
  const own = regions.filter((region) => region.granularities.includes(granularity));
  if (!isComplete && own.length === 0) return null;
  const certain = own.filter(({ isIgnored }) => !isIgnored);
  const asked = certain.length > most ? random.shuffle(certain).slice(0, most) : certain;
  const chosen = new Set(asked);
  return {
    objects: shares(asked, content),
    ignored: shares(
      own.filter((region) => !chosen.has(region)),
      content,
    ),
    isComplete,
  };
}

const shares = (regions: readonly ViewedRegion[], { width, height }: ImageSize): Boxes =>
  xyxyToCxcywh(
    Float32Array.from(
      regions.flatMap(({ boxXyxy }) => boxXyxy.map((value, i) => value / (i % 2 === 0 ? width : height))),
    ),
  );

/** @param examples null for an image that could not be read */
export function upnBatch(
  examples: readonly (UpnExample | null)[],
  { canvases, isPadded }: Pick<UpnTrainingConfig, 'canvases' | 'isPadded'>,
  canvas: number,
): UpnBatch {
  const size = canvases[canvas];
  const images = createImageBatch(examples.length, size);
  examples.forEach((example, i) => {
    if (example) setImage(images, i, example.image, IMAGENET_STATISTICS);
    // Without any pixel of image, means over what is valid would divide by nothing.
    else images.mask.fill(0, i * size.width * size.height, (i + 1) * size.width * size.height);
  });
  const shape = [examples.length, size.height, size.width];
  const truths = Object.fromEntries(
    granularities.map((granularity) => [granularity, examples.map((example) => example?.truths[granularity] ?? null)]),
  ) as Record<Granularity, (PromptTruth | null)[]>;
  return {
    canvas,
    feeds: {
      pixels: hostTensor('float32', [shape[0], 3, shape[1], shape[2]], images.pixels),
      ...(isPadded && { padding: hostTensor('bool', shape, images.mask) }),
    },
    truths,
    unreadable: examples.filter((example) => example === null).length,
  };
}
