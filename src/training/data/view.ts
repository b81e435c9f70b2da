/** Augmentation: scenes mirrored, cropped and lit at random, and their objects as the new image shows them. */

import { resizeImage } from '../../image/resize.ts';
import type { RgbImage } from '../../image/rgb-image.ts';
import type { Random } from '../../random.ts';
import type { Scene, SceneObject } from '../../world/scene.ts';

/** The part of a scene that is shown, in its pixels, and how. */
export interface View {
  readonly left: number;
  readonly top: number;
  readonly size: number;
  readonly isMirrored: boolean;
  /** Factors of red, green and blue. */
  readonly light: readonly [number, number, number];
}

/** An object of the scene with its box in pixels of the view's image. */
export type ViewedObject = Omit<SceneObject, 'boxXyxy'> & { readonly boxXyxy: readonly number[] };

/** A crop keeps an object of which at least this share stays inside. */
const keptShare = 0.4;
/** A crop shows at least this share of the scene's side. */
const smallestCrop = 0.6;

export const wholeView = ({ image }: Scene): View => ({
  left: 0,
  top: 0,
  size: image.width,
  isMirrored: false,
  light: [1, 1, 1],
});

export function randomView({ image }: Scene, random: Random): View {
  const size = random.chance(0.5) ? image.width : Math.round(image.width * random.range(smallestCrop, 1));
  return {
    size,
    left: random.int(0, image.width - size),
    top: random.int(0, image.height - size),
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

/** The view of a square scene as an image of `side` pixels, and what is in it. */
export function lookAt(scene: Scene, view: View, side: number): { image: RgbImage; objects: ViewedObject[] } {
  const objects = scene.objects.flatMap((object) => {
    const box = inView(object.boxXyxy, view);
    return box ? [{ ...object, boxXyxy: box.map((value) => (value * side) / view.size) }] : [];
  });
  return { image: resizeImage(cutOut(scene.image, view), { width: side, height: side }), objects };
}

/** What a view shows of an image, at the image's resolution. */
export function cutOut({ width, data }: RgbImage, { left, top, size, isMirrored, light }: View): RgbImage {
  const part = new Uint8Array(size * size * 3);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const from = 3 * ((top + y) * width + left + (isMirrored ? size - 1 - x : x));
      const to = 3 * (y * size + x);
      for (let c = 0; c < 3; c++) part[to + c] = Math.min(255, data[from + c] * light[c]);
    }
  }
  return { width: size, height: size, data: part };
}

/** The visible part of a box in pixels of the crop; null when too little of it is left. */
function inView([x1, y1, x2, y2]: readonly number[], { left, top, size, isMirrored }: View): number[] | null {
  const clamp = (value: number) => Math.min(Math.max(value, 0), size);
  const [l, t, r, b] = [clamp(x1 - left), clamp(y1 - top), clamp(x2 - left), clamp(y2 - top)];
  if ((r - l) * (b - t) < keptShare * (x2 - x1) * (y2 - y1)) return null;
  return isMirrored ? [size - r, t, size - l, b] : [l, t, r, b];
}
