/**
 * Mosaics: the objects of several scenes cut out and set in a grid. A scene is mostly background and shows a dozen objects; a
 * mosaic of the same size shows dozens, so that a step of naming says four times as much.
 */

import { resizeImage } from '../../image/resize.ts';
import type { RgbImage } from '../../image/rgb-image.ts';
import type { Random } from '../../random.ts';
import type { Scene, SceneObject } from '../../world/scene.ts';
import { cutOut, randomLight, type ViewedObject } from './view.ts';

/** Fewest and most cells per side. */
const cellsPerSide = [4, 8] as const;
/** A cell shows its object with up to this share of the object's longer side around it. */
const widestMargin = 0.3;

/** @param side of the mosaic in pixels */
export function mosaic(
  scenes: readonly Scene[],
  random: Random,
  side: number,
): { image: RgbImage; objects: ViewedObject[] } {
  const pool = random.shuffle(scenes.flatMap((scene) => scene.objects.map((object) => ({ scene, object }))));
  const count = Math.max(1, Math.min(random.int(...cellsPerSide), Math.floor(Math.sqrt(pool.length))));
  const cell = Math.floor(side / count);
  const image: RgbImage = { width: side, height: side, data: new Uint8Array(3 * side * side) };
  const objects = pool.slice(0, count * count).map(({ scene, object }, place): ViewedObject => {
    const [left, top] = [(place % count) * cell, Math.floor(place / count) * cell];
    const shown = inCell(scene, object, cell, random);
    paste(image, shown.image, left, top);
    const [x1, y1, x2, y2] = shown.boxXyxy;
    return { ...object, boxXyxy: [left + x1, top + y1, left + x2, top + y2] };
  });
  return { image, objects };
}

/** An object and what is around it, as a square of `cell` pixels. */
function inCell({ image }: Scene, { boxXyxy }: SceneObject, cell: number, random: Random) {
  const [x1, y1, x2, y2] = boxXyxy;
  const longer = Math.max(x2 - x1, y2 - y1);
  const size = Math.min(image.width, Math.max(4, Math.round(longer * (1 + random.range(0, widestMargin)))));
  const place = (low: number, high: number) => {
    const around = size - (high - low);
    return Math.round(Math.min(Math.max(low - random.range(0, 1) * around, 0), image.width - size));
  };
  const view = {
    left: place(x1, x2),
    top: place(y1, y2),
    size,
    isMirrored: random.chance(0.5),
    light: randomLight(random),
  };
  const scale = cell / size;
  const [left, right] = [x1, x2].map((x) => (x - view.left) * scale);
  const [top, bottom] = [y1, y2].map((y) => (y - view.top) * scale);
  return {
    image: resizeImage(cutOut(image, view), { width: cell, height: cell }),
    boxXyxy: view.isMirrored ? [cell - right, top, cell - left, bottom] : [left, top, right, bottom],
  };
}

function paste(onto: RgbImage, { width, height, data }: RgbImage, left: number, top: number): void {
  for (let y = 0; y < height; y++) {
    onto.data.set(data.subarray(3 * y * width, 3 * (y + 1) * width), 3 * ((top + y) * onto.width + left));
  }
}
