/** Boxes that models write as numbers in text, and what the numbers mean. */

import type { BoxXyxy } from '../../boxes/box.ts';
import type { ImageSize } from '../../image/rgb-image.ts';

/**
 * Where a model counts from: shares of width and height (0..1), of the image padded to a square around its middle
 * (Shikra), thousandths of width and height (0..1000), pixels, or pixels of the image at the size that the model saw.
 */
export type CoordinateFrame = 'shares' | 'paddedShares' | 'thousandths' | 'pixels' | { readonly resized: ImageSize };

/** A box in pixels of the image, cut off at its borders; corners in the wrong order are put right. */
export function toPixels(box: BoxXyxy, frame: CoordinateFrame, { width, height }: ImageSize): BoxXyxy {
  const side = Math.max(width, height);
  // Half a pixel is left out, as the code that pads does.
  const left = frame === 'paddedShares' ? Math.floor((side - width) / 2) : 0;
  const top = frame === 'paddedShares' ? Math.floor((side - height) / 2) : 0;
  const [scaleX, scaleY] = scales(frame, { width, height }, side);
  const x = [box[0], box[2]].map((value) => clamp(value * scaleX - left, width)).sort((a, b) => a - b);
  const y = [box[1], box[3]].map((value) => clamp(value * scaleY - top, height)).sort((a, b) => a - b);
  return [x[0], y[0], x[1], y[1]];
}

function scales(frame: CoordinateFrame, { width, height }: ImageSize, side: number): [number, number] {
  if (frame === 'pixels') return [1, 1];
  if (frame === 'shares') return [width, height];
  if (frame === 'paddedShares') return [side, side];
  if (frame === 'thousandths') return [width / 1000, height / 1000];
  return [width / frame.resized.width, height / frame.resized.height];
}

const clamp = (value: number, most: number): number => Math.min(most, Math.max(0, value));

/** A guess from the numbers alone, as VLMEvalKit makes it: up to 1.5 shares, up to 1000 thousandths, else pixels. */
export function inferFrame(boxes: readonly BoxXyxy[]): 'shares' | 'thousandths' | 'pixels' {
  const [first] = boxes;
  const largest = first ? Math.max(...first.map(Math.abs)) : 0;
  if (largest <= 1.5) return 'shares';
  return largest <= 1000 ? 'thousandths' : 'pixels';
}

// Digits can be read in one way only: answers that loop have pages of them.
const number = String.raw`[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?`;
const gap = String.raw`(?:\s*,\s*|\s+)`;
const four = `(${number})${gap}(${number})${gap}(${number})${gap}(${number})`;

/** One box in square brackets; several of them with semicolons between are Shikra's. */
export const bracketedBoxes = new RegExp(String.raw`\[\s*${four}(?:\s*;\s*${four})*\s*\]`, 'g');
const oneBox = new RegExp(four, 'g');

/** Every `[a, b, c, d]` of a text, in order; without one, its first four numbers. */
export function boxesInText(text: string): BoxXyxy[] {
  const boxes = [...text.matchAll(bracketedBoxes)].flatMap(([group]) => boxesInGroup(group));
  if (boxes.length > 0) return boxes;
  const numbers = text.match(new RegExp(number, 'g'))?.map(Number) ?? [];
  return numbers.length < 4 ? [] : [[numbers[0], numbers[1], numbers[2], numbers[3]]];
}

/** The boxes of `[a, b, c, d; e, f, g, h]`. */
export function boxesInGroup(group: string): BoxXyxy[] {
  return [...group.matchAll(oneBox)].map(([, a, b, c, d]): BoxXyxy => [Number(a), Number(b), Number(c), Number(d)]);
}
