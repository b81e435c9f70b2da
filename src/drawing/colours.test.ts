import { describe, expect, it } from 'vitest';
import type { Rgb } from '../image/rgb-image.ts';
import { colourAt, colourIndices, toHex } from './colours.ts';

/** WCAG contrast ratio against black. */
function contrastWithBlack(colour: Rgb): number {
  const [red, green, blue] = colour.map((byte) => {
    const value = byte / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) / 0.05;
}

describe('colourAt', () => {
  it('gives colours that carry black text (WCAG AA), however many', () => {
    for (let index = 0; index < 300; index++) expect(contrastWithBlack(colourAt(index))).toBeGreaterThan(4.5);
  });

  it('gives colours that are far apart', () => {
    const distances = [];
    for (let a = 0; a < 16; a++) {
      for (let b = 0; b < a; b++) {
        distances.push(Math.hypot(...colourAt(a).map((value, channel) => value - colourAt(b)[channel])));
      }
    }
    expect(Math.min(...distances)).toBeGreaterThan(25);
    expect(new Set(Array.from({ length: 200 }, (_, index) => toHex(colourAt(index)))).size).toBe(200);
  });

  it('does not change between versions', () => {
    expect([0, 1, 2].map((index) => toHex(colourAt(index)))).toEqual(['#63b0fc', '#fd8073', '#04c992']);
  });
});

describe('colourIndices', () => {
  it('numbers names by first appearance, case and spaces aside', () => {
    expect(colourIndices(['red cup', 'dog', 'Red  Cup ', '', 'dog', ' '])).toEqual([0, 1, 0, 2, 1, 2]);
  });
});
