/**
 * Mosaics: regions of several images cut out and set in a grid. An image is mostly background and shows a dozen
 * objects; a mosaic of the same size shows dozens, so that a step of naming says four times as much.
 */

import { resizeImage } from '../../image/resize.ts';
import { createRgbImage, type RgbImage } from '../../image/rgb-image.ts';
import type { Random } from '../../random.ts';
import type { Region } from '../sample.ts';
import { cutOut, randomLight, type View, type Viewed, type ViewedRegion } from './view.ts';

/** Fewest and most cells per side. */
const cellsPerSide = [4, 8] as const;
/** A cell shows its region with up to this share of the region's longer side around it. */
const widestMargin = 0.3;

/** An image and what is annotated in it, in its pixels. */
export interface MosaicSource {
  readonly image: RgbImage;
  readonly regions: readonly Region[];
}

/** @param side of the mosaic in pixels */
export function mosaic(sources: readonly MosaicSource[], random: Random, side: number): Viewed {
  const pool = random.shuffle(
    sources.flatMap(({ image, regions }) => regions.map((region, source) => ({ image, region, source }))),
  );
  const count = Math.max(1, Math.min(random.int(...cellsPerSide), Math.floor(Math.sqrt(pool.length))));
  const cell = Math.floor(side / count);
  const grid = createRgbImage(side, side);
  const regions = pool.slice(0, count * count).map(({ image, region, source }, place): ViewedRegion => {
    const [left, top] = [(place % count) * cell, Math.floor(place / count) * cell];
    const shown = inCell(image, region, cell, random);
    paste(grid, shown.image, left, top);
    const [x1, y1, x2, y2] = shown.boxXyxy;
    const { partOf: _, ...rest } = region;
    return { ...rest, source, boxXyxy: [left + x1, top + y1, left + x2, top + y2] };
  });
  return { image: grid, regions };
}

/** A region and what is around it, as a square of `cell` pixels. */
function inCell(image: RgbImage, { boxXyxy }: Region, cell: number, random: Random) {
  const [x1, y1, x2, y2] = boxXyxy;
  const longer = Math.max(x2 - x1, y2 - y1);
  const shorterSide = Math.min(image.width, image.height);
  const size = Math.min(shorterSide, Math.max(4, Math.round(longer * (1 + random.range(0, widestMargin)))));
  const place = (low: number, high: number, length: number) => {
    const around = size - (high - low);
    return Math.round(Math.min(Math.max(low - random.range(0, 1) * around, 0), length - size));
  };
  const view: View = {
    left: place(x1, x2, image.width),
    top: place(y1, y2, image.height),
    width: size,
    height: size,
    isMirrored: random.chance(0.5),
    light: randomLight(random),
  };
  const scale = cell / size;
  // A region longer than the image's shorter side does not fit a square cut of it.
  const inside = (value: number) => Math.min(Math.max(value, 0), size) * scale;
  const [left, right] = [x1, x2].map((x) => inside(x - view.left));
  const [top, bottom] = [y1, y2].map((y) => inside(y - view.top));
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
