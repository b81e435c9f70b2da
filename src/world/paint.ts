/**
 * The colour attribute: repaints the saturated pixels of a sprite and keeps its light, shade and grey details.
 */

/** Colour names that stay distinct under blur, noise and changes of light. */
export const COLOURS = {
  red: [222, 36, 44],
  orange: [247, 130, 24],
  yellow: [250, 212, 30],
  green: [52, 168, 72],
  blue: [42, 104, 226],
  purple: [132, 60, 196],
  pink: [250, 128, 188],
  white: [236, 238, 242],
  black: [44, 46, 52],
} as const satisfies Record<string, readonly [number, number, number]>;

export type Colour = keyof typeof COLOURS;
export const COLOUR_NAMES = Object.keys(COLOURS) as Colour[];

/** Pixels less saturated than this keep their colour; above `FULL_SATURATION` they take the paint entirely. */
const KEEP_SATURATION = 0.18;
const FULL_SATURATION = 0.42;

/**
 * Repaints premultiplied RGBA bytes in place. The mean brightness of what is repainted maps to the paint's own colour;
 * darker pixels go towards black, lighter ones towards white.
 */
export function paintPixels(rgba: Uint8Array, colour: Colour): void {
  const paint = COLOURS[colour];
  const mean = meanPaintedBrightness(rgba);
  if (mean === 0) return;
  for (let at = 0; at < rgba.length; at += 4) {
    const weight = paintWeight(rgba, at);
    if (weight === 0) continue;
    const alpha = rgba[at + 3];
    const ratio = (brightness(rgba, at) * 255) / alpha / mean;
    const towardsWhite = ratio > 1 ? (1 - 1 / ratio) * 0.8 : 0;
    const shade = Math.min(ratio, 1);
    for (let channel = 0; channel < 3; channel++) {
      const base = paint[channel] * shade;
      const painted = ((base + (255 - base) * towardsWhite) * alpha) / 255;
      rgba[at + channel] = Math.round(rgba[at + channel] * (1 - weight) + painted * weight);
    }
  }
}

/** Share of a sprite's opaque pixels that paint covers, 0 to 1: what makes a category worth painting. */
export function paintableShare(rgba: Uint8Array): number {
  let [painted, opaque] = [0, 0];
  for (let at = 0; at < rgba.length; at += 4) {
    if (rgba[at + 3] < 128) continue;
    opaque++;
    painted += paintWeight(rgba, at);
  }
  return opaque === 0 ? 0 : painted / opaque;
}

function meanPaintedBrightness(rgba: Uint8Array): number {
  let [sum, total] = [0, 0];
  for (let at = 0; at < rgba.length; at += 4) {
    const weight = paintWeight(rgba, at);
    if (weight === 0) continue;
    sum += brightness(rgba, at) * weight;
    total += (rgba[at + 3] / 255) * weight;
  }
  return total === 0 ? 0 : sum / total;
}

function brightness(rgba: Uint8Array, at: number): number {
  return 0.299 * rgba[at] + 0.587 * rgba[at + 1] + 0.114 * rgba[at + 2];
}

function paintWeight(rgba: Uint8Array, at: number): number {
  const highest = Math.max(rgba[at], rgba[at + 1], rgba[at + 2]);
  if (highest === 0) return 0;
  const saturation = (highest - Math.min(rgba[at], rgba[at + 1], rgba[at + 2])) / highest;
  const step = (saturation - KEEP_SATURATION) / (FULL_SATURATION - KEEP_SATURATION);
  if (step <= 0) return 0;
  return step >= 1 ? 1 : step * step * (3 - 2 * step);
}
