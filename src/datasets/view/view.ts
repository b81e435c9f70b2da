/** Augmentation: images mirrored, cropped and lit at random, and their regions as the new image shows them. */

import { resizeImage } from '../../image/resize.ts';
import type { ImageSize, RgbImage } from '../../image/rgb-image.ts';
import type { Random } from '../../random.ts';
import type { Region } from '../sample.ts';

/** The part of an image that is shown, in whole pixels of the original, and how. */
export interface View extends ImageSize {
  readonly left: number;
  readonly top: number;
  readonly isMirrored: boolean;
  /** Factors of red, green and blue. */
  readonly light: readonly [number, number, number];
}

/** A region with its box in pixels of the view's image. */
export type ViewedRegion = Omit<Region, 'boxXyxy' | 'partOf'> & {
  readonly boxXyxy: readonly number[];
  /** Index of the region in its sample: crops lose some. */
  readonly source: number;
};

export interface Viewed {
  readonly image: RgbImage;
  readonly regions: readonly ViewedRegion[];
}

/** A crop keeps a region of which at least this share stays inside. */
const keptShare = 0.4;
/** A crop shows at least this share of each side. */
const smallestCrop = 0.6;

export const wholeView = ({ width, height }: ImageSize): View => ({
  left: 0,
  top: 0,
  width,
  height,
  isMirrored: false,
  light: [1, 1, 1],
});

/** Half of the views show everything, the others a crop of the image's own aspect ratio. */
export function randomView(size: ImageSize, random: Random): View {
  const share = random.chance(0.5) ? 1 : random.range(smallestCrop, 1);
  const [width, height] = [size.width, size.height].map((side) => Math.max(1, Math.round(side * share)));
  return {
    width,
    height,
    left: random.int(0, size.width - width),
    top: random.int(0, size.height - height),
    isMirrored: random.chance(0.5),
    light: randomLight(random),
  };
}

/** Brighter or darker, and a little tinted. */
export function randomLight(random: Random): View['light'] {
  const brightness = random.range(0.8, 1.2);
  const tint = () => brightness * random.range(0.9, 1.1);
  return [tint(), tint(), tint()];
}

/**
 * The view as an image of `target` pixels, and which regions it shows.
 * @param image decoded; it may be smaller than `original`, whose pixels the view and the boxes are in
 */
export function lookAt(
  image: RgbImage,
  original: ImageSize,
  regions: readonly Region[],
  view: View,
  target: ImageSize,
): Viewed {
  const [scaleX, scaleY] = [target.width / view.width, target.height / view.height];
  const shown = regions.flatMap(({ boxXyxy, partOf: _, ...rest }, source) => {
    const box = inView(boxXyxy, view);
    if (!box) return [];
    return [{ ...rest, source, boxXyxy: box.map((value, i) => value * (i % 2 === 0 ? scaleX : scaleY)) }];
  });
  return { image: resizeImage(cutOut(image, onDecoded(view, image, original)), target), regions: shown };
}

/** The view in pixels of an image that was made smaller while it was decoded. */
function onDecoded(view: View, image: ImageSize, original: ImageSize): View {
  if (image.width === original.width && image.height === original.height) return view;
  const [x, y] = [image.width / original.width, image.height / original.height];
  const [left, top] = [Math.floor(view.left * x), Math.floor(view.top * y)];
  const width = Math.max(1, Math.min(image.width - left, Math.round(view.width * x)));
  const height = Math.max(1, Math.min(image.height - top, Math.round(view.height * y)));
  return { ...view, left, top, width, height };
}

/** What a view shows of an image, at the image's resolution. */
export function cutOut(image: RgbImage, { left, top, width, height, isMirrored, light }: View): RgbImage {
  const part = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = 3 * ((top + y) * image.width + left + (isMirrored ? width - 1 - x : x));
      const to = 3 * (y * width + x);
      for (let c = 0; c < 3; c++) part[to + c] = Math.min(255, image.data[from + c] * light[c]);
    }
  }
  return { width, height, data: part };
}

/** The visible part of a box in pixels of the crop; null when too little of it is left. */
function inView([x1, y1, x2, y2]: readonly number[], { left, top, width, height, isMirrored }: View): number[] | null {
  const clamp = (value: number, side: number) => Math.min(Math.max(value, 0), side);
  const [l, r] = [clamp(x1 - left, width), clamp(x2 - left, width)];
  const [t, b] = [clamp(y1 - top, height), clamp(y2 - top, height)];
  if ((r - l) * (b - t) < keptShare * (x2 - x1) * (y2 - y1)) return null;
  return isMirrored ? [width - r, t, width - l, b] : [l, t, r, b];
}
