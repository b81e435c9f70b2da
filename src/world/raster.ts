/**
 * Draws sprites: a placed sprite becomes a patch of pixels, patches decide who owns which pixel, patches are
 * composited.
 */

import { type Colour, paintPixels } from './paint.ts';
import type { Sprite, SpriteLevel } from './sprites.ts';

/** Where and how a sprite is drawn, in pixels of the canvas. */
export interface Placement {
  readonly sprite: Sprite;
  readonly centreX: number;
  readonly centreY: number;
  readonly width: number;
  readonly height: number;
  /** Radians, clockwise on the screen. */
  readonly rotation: number;
  readonly isFlipped: boolean;
  readonly colour: Colour | null;
}

/** Premultiplied RGBA bytes at whole-pixel position (left, top); it may hang over the canvas. */
export interface Patch {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

/** A pixel belongs to an object where at least half of it is covered. */
export const OWNED_ALPHA = 128;

/**
 * Samples a sprite bilinearly at its placement from the mip level just finer than needed.
 * @param softness mip levels to go coarser: 0 is sharp, 2 is a blur fit for shadows.
 */
export function rasterise(placement: Placement, softness = 0): Patch {
  const { sprite, centreX, centreY, width, height, rotation, isFlipped, colour } = placement;
  const [cosine, sine] = [Math.cos(rotation), Math.sin(rotation)];
  const halfSpanX = (Math.abs(cosine) * width + Math.abs(sine) * height) / 2 + 1;
  const halfSpanY = (Math.abs(sine) * width + Math.abs(cosine) * height) / 2 + 1;
  const [left, top] = [Math.floor(centreX - halfSpanX), Math.floor(centreY - halfSpanY)];
  const [patchWidth, patchHeight] = [Math.ceil(centreX + halfSpanX) - left, Math.ceil(centreY + halfSpanY) - top];
  const level = chooseLevel(sprite, width, height, softness);
  const rgba = new Uint8Array(patchWidth * patchHeight * 4);
  const [scaleX, scaleY] = [((isFlipped ? -1 : 1) * level.width) / width, level.height / height];
  const [stepU, stepV] = [cosine * scaleX, -sine * scaleY];
  for (let y = 0, at = 0; y < patchHeight; y++) {
    const [dx, dy] = [left + 0.5 - centreX, top + y + 0.5 - centreY];
    let u = (cosine * dx + sine * dy) * scaleX + level.width / 2 - 0.5;
    let v = (cosine * dy - sine * dx) * scaleY + level.height / 2 - 0.5;
    for (let x = 0; x < patchWidth; x++, at += 4, u += stepU, v += stepV) {
      if (u > -1 && v > -1 && u < level.width && v < level.height) sampleBilinear(level, u, v, rgba, at);
    }
  }
  if (colour) paintPixels(rgba, colour);
  return { left, top, width: patchWidth, height: patchHeight, rgba };
}

function chooseLevel({ levels }: Sprite, width: number, height: number, softness: number) {
  let index = 0;
  while (index + 1 < levels.length && levels[index + 1].width >= width && levels[index + 1].height >= height) index++;
  return levels[Math.min(index + softness, levels.length - 1)];
}

/** Writes one premultiplied pixel; outside of the sprite everything is transparent. */
function sampleBilinear(
  { width, height, pixels }: SpriteLevel,
  u: number,
  v: number,
  out: Uint8Array,
  at: number,
): void {
  const x = Math.floor(u);
  const y = Math.floor(v);
  const fx = u - x;
  const fy = v - y;
  const i00 = (y * width + x) * 4;
  const i01 = i00 + width * 4;
  const isLeft = x >= 0;
  const isRight = x + 1 < width;
  const w00 = isLeft && y >= 0 ? (1 - fx) * (1 - fy) : 0;
  const w10 = isRight && y >= 0 ? fx * (1 - fy) : 0;
  const w01 = isLeft && y + 1 < height ? (1 - fx) * fy : 0;
  const w11 = isRight && y + 1 < height ? fx * fy : 0;
  // Corners without weight lie outside of the sprite; they are clamped to a pixel that exists and count nothing.
  const a = w00 > 0 ? i00 : 0;
  const b = w10 > 0 ? i00 + 4 : 0;
  const c = w01 > 0 ? i01 : 0;
  const d = w11 > 0 ? i01 + 4 : 0;
  const alpha = w00 * pixels[a + 3] + w10 * pixels[b + 3] + w01 * pixels[c + 3] + w11 * pixels[d + 3];
  if (alpha < 0.5) return;
  out[at] = w00 * pixels[a] + w10 * pixels[b] + w01 * pixels[c] + w11 * pixels[d] + 0.5;
  out[at + 1] = w00 * pixels[a + 1] + w10 * pixels[b + 1] + w01 * pixels[c + 1] + w11 * pixels[d + 1] + 0.5;
  out[at + 2] = w00 * pixels[a + 2] + w10 * pixels[b + 2] + w01 * pixels[c + 2] + w11 * pixels[d + 2] + 0.5;
  out[at + 3] = alpha + 0.5;
}

/** How many pixels of a patch are opaque, on the canvas or off. */
export function countOwnedPixels({ rgba }: Patch): number {
  let count = 0;
  for (let at = 3; at < rgba.length; at += 4) if (rgba[at] >= OWNED_ALPHA) count++;
  return count;
}

/**
 * Which patch is on top at each pixel: [height, width] of patch indices, -1 for the background. Later patches cover
 * earlier ones.
 */
export function paintersOwners(patches: readonly (Patch | null)[], width: number, height: number): Int16Array {
  const owners = new Int16Array(width * height).fill(-1);
  patches.forEach((patch, index) => {
    if (!patch) return;
    const [x0, x1] = [Math.max(0, patch.left), Math.min(width, patch.left + patch.width)];
    const [y0, y1] = [Math.max(0, patch.top), Math.min(height, patch.top + patch.height)];
    for (let y = y0; y < y1; y++) {
      let at = ((y - patch.top) * patch.width + x0 - patch.left) * 4 + 3;
      for (let x = x0; x < x1; x++, at += 4) if (patch.rgba[at] >= OWNED_ALPHA) owners[y * width + x] = index;
    }
  });
  return owners;
}

/** Composites a patch over [height, width, 3] bytes. */
export function compositeOver(data: Uint8Array, width: number, height: number, patch: Patch): void {
  const [x0, x1] = [Math.max(0, patch.left), Math.min(width, patch.left + patch.width)];
  const [y0, y1] = [Math.max(0, patch.top), Math.min(height, patch.top + patch.height)];
  for (let y = y0; y < y1; y++) {
    let from = ((y - patch.top) * patch.width + x0 - patch.left) * 4;
    let to = (y * width + x0) * 3;
    for (let x = x0; x < x1; x++, from += 4, to += 3) {
      const alpha = patch.rgba[from + 3];
      if (alpha === 0) continue;
      const keep = 1 - alpha / 255;
      data[to] = patch.rgba[from] + data[to] * keep + 0.5;
      data[to + 1] = patch.rgba[from + 1] + data[to + 1] * keep + 0.5;
      data[to + 2] = patch.rgba[from + 2] + data[to + 2] * keep + 0.5;
    }
  }
}

/** Darkens what lies under the opaque part of a patch: `strength` 0 to 1. */
export function compositeShadow(data: Uint8Array, width: number, height: number, patch: Patch, strength: number): void {
  const dark = new Uint8Array(patch.rgba.length);
  for (let at = 3; at < dark.length; at += 4) dark[at] = patch.rgba[at] * strength;
  compositeOver(data, width, height, { ...patch, rgba: dark });
}
