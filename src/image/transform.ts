/**
 * Where a pixel of the original image lies on the canvas that a model sees, and back.
 *
 * Agrees with the official code: `shortestSideSize` with ChatRex `upn/transforms/transform.py` (DETR's rule, its
 * rounding included), `squareTransform` with RexSeek's `expand2square`, `pad_boxes` and `resize_boxes`. Deviation: a
 * strip so thin that the rule gives a side of 0 pixels gets 1 pixel instead.
 */
import { type BoxArray, countBoxes } from '../boxes/box-array.ts';
import { ChatRexError } from '../errors.ts';
import { assertImageSize, type ImageSize } from './rgb-image.ts';

/** Shorter side that UPN sees, and the most the longer side may grow to (section 3.1 of the paper). */
export const UPN_SHORTER_SIDE = 800;
export const UPN_LONGER_SIDE = 1333;

/** canvas = original * scale + offset on each axis; pixel coordinates are corners, not centres. */
export interface ImageTransform {
  readonly original: ImageSize;
  readonly canvas: ImageSize;
  /** The part of the canvas, in whole pixels, that the resized image (with its square padding, if any) covers. */
  readonly content: ImageSize;
  readonly scaleX: number;
  readonly scaleY: number;
  readonly offsetX: number;
  readonly offsetY: number;
}

/** [N,4] xyxy in original pixels -> [N,4] xyxy in canvas pixels. Nothing is clipped or rounded. */
export function toCanvas<B extends BoxArray>(transform: ImageTransform, boxesXyxy: B): B {
  const { scaleX, scaleY, offsetX, offsetY } = transform;
  countBoxes(boxesXyxy);
  const boxesXyxyCanvas = boxesXyxy.slice() as B;
  for (let at = 0; at < boxesXyxy.length; at += 2) {
    boxesXyxyCanvas[at] = boxesXyxy[at] * scaleX + offsetX;
    boxesXyxyCanvas[at + 1] = boxesXyxy[at + 1] * scaleY + offsetY;
  }
  return boxesXyxyCanvas;
}

/**
 * [N,4] xyxy in canvas pixels -> [N,4] xyxy in original pixels: the inverse of `toCanvas`.
 * Nothing is clipped or rounded, so a box that reaches into the padding reaches out of the image.
 */
export function toOriginal<B extends BoxArray>(transform: ImageTransform, boxesXyxyCanvas: B): B {
  const { scaleX, scaleY, offsetX, offsetY } = transform;
  countBoxes(boxesXyxyCanvas);
  const boxesXyxy = boxesXyxyCanvas.slice() as B;
  for (let at = 0; at < boxesXyxyCanvas.length; at += 2) {
    boxesXyxy[at] = (boxesXyxyCanvas[at] - offsetX) / scaleX;
    boxesXyxy[at + 1] = (boxesXyxyCanvas[at + 1] - offsetY) / scaleY;
  }
  return boxesXyxy;
}

/**
 * DETR's size rule: the shorter side becomes `shorter`, unless the longer one would pass `longest`; then the shorter is
 * chosen (rounded half to even) so that it just does not. The longer side is rounded down.
 */
export function shortestSideSize(size: ImageSize, shorter = UPN_SHORTER_SIDE, longest = UPN_LONGER_SIDE): ImageSize {
  assertImageSize(size);
  const { width, height } = size;
  const low = Math.min(width, height);
  const high = Math.max(width, height);
  const target = (high / low) * shorter > longest ? roundHalfEven((longest * low) / high) : shorter;
  if (target === 0) return width < height ? { width: 1, height: longest } : { width: longest, height: 1 };
  if (low === target) return { width, height };
  const other = Math.trunc((target * high) / low);
  return width < height ? { width: target, height: other } : { width: other, height: target };
}

/** The resize of `shortestSideSize` as a transform; the canvas is exactly the resized image. */
export function shortestSideTransform(original: ImageSize, shorter?: number, longest?: number): ImageTransform {
  const content = shortestSideSize(original, shorter, longest);
  return {
    original: { width: original.width, height: original.height },
    canvas: content,
    content,
    scaleX: content.width / original.width,
    scaleY: content.height / original.height,
    offsetX: 0,
    offsetY: 0,
  };
}

/** The whole image as a square of `side` x `side`, whatever its shape was. */
export function stretchTransform(original: ImageSize, side: number): ImageTransform {
  assertImageSize(original);
  assertImageSize({ width: side, height: side });
  const canvas = { width: side, height: side };
  return {
    original: { width: original.width, height: original.height },
    canvas,
    content: canvas,
    scaleX: side / original.width,
    scaleY: side / original.height,
    offsetX: 0,
    offsetY: 0,
  };
}

/** Centred on a square (the odd pixel of padding goes right or below), then resized to `side` x `side`. */
export function squareTransform(original: ImageSize, side: number): ImageTransform {
  assertImageSize(original);
  assertImageSize({ width: side, height: side });
  const longer = Math.max(original.width, original.height);
  const { left, top } = squareOffsets(original);
  const scale = side / longer;
  const canvas = { width: side, height: side };
  return {
    original: { width: original.width, height: original.height },
    canvas,
    content: canvas,
    scaleX: scale,
    scaleY: scale,
    offsetX: left * scale,
    offsetY: top * scale,
  };
}

/** Where an image begins, in whole original pixels, when it is centred on a square of its longer side. */
export function squareOffsets({ width, height }: ImageSize): { left: number; top: number } {
  const longer = Math.max(width, height);
  return { left: Math.floor((longer - width) / 2), top: Math.floor((longer - height) / 2) };
}

/**
 * The same image in the top left corner of a larger canvas, as in a padded batch; coordinates do not move.
 * @throws ChatRexError `invalid-argument` if the image does not fit.
 */
export function placeOnCanvas(transform: ImageTransform, canvas: ImageSize): ImageTransform {
  assertImageSize(canvas);
  const { width, height } = transform.content;
  if (width > canvas.width || height > canvas.height) {
    throw new ChatRexError(
      'invalid-argument',
      `An image of ${width} x ${height} does not fit a canvas of ${canvas.width} x ${canvas.height}.`,
    );
  }
  return { ...transform, canvas: { width: canvas.width, height: canvas.height } };
}

/** Python's `round`. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
