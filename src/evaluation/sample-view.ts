/** A sample as a suite looks at it: its image is decoded once, when the first question needs it. */

import type { Dataset } from '../datasets/dataset.ts';
import type { Sample } from '../datasets/sample.ts';
import type { ImageSize, RgbImage } from '../image/rgb-image.ts';

export interface SampleView {
  readonly data: Dataset;
  readonly index: number;
  readonly sample: Sample;
  /** The decoded, upright image at full size. @throws ChatRexError naming the sample */
  image(): Promise<RgbImage>;
  /** Pixels of the image. */
  size(): Promise<ImageSize>;
}

/** @throws ChatRexError when the sample cannot be read */
export async function viewSample(data: Dataset, index: number): Promise<SampleView> {
  const sample = await data.sample(index);
  let image: Promise<RgbImage> | undefined;
  let size: Promise<ImageSize> | undefined;
  return {
    data,
    index,
    sample,
    image: () => (image ??= data.image(index)),
    size: () => (size ??= data.imageSize(index)),
  };
}
