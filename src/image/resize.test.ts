import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ResizeFilter, resizeImage } from './resize.ts';
import { resizeColumns, resizeRows } from './resize-fast.ts';
import { resizeColumnsPlainly, resizeRowsPlainly } from './resize-plain.ts';
import { computeTaps } from './resize-taps.ts';
import { createRgbImage } from './rgb-image.ts';

interface Case {
  filter: ResizeFilter;
  from: [number, number];
  to: [number, number];
  input: string;
  expected: string;
}

const cases: Case[] = JSON.parse(readFileSync(new URL('../../fixtures/image/resize.json', import.meta.url), 'utf8'));
const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));

describe('resizeImage', () => {
  it.each(cases)('equals PIL byte for byte: $filter $from to $to', ({ filter, from, to, input, expected }) => {
    const image = { width: from[0], height: from[1], data: bytes(input) };
    const resized = resizeImage(image, { width: to[0], height: to[1] }, filter);
    expect([resized.width, resized.height]).toEqual(to);
    expect(resized.data).toEqual(bytes(expected));
  });

  it('keeps a plain colour plain at any reduction', () => {
    const image = createRgbImage(977, 3, [255, 1, 128]);
    for (const filter of ['bilinear', 'bicubic'] as const) {
      const { data } = resizeImage(image, { width: 31, height: 7 }, filter);
      for (let at = 0; at < data.length; at += 3) expect([...data.subarray(at, at + 3)]).toEqual([255, 1, 128]);
    }
  });

  it('has the same bits by the kernel as by the plain loops', () => {
    const side = fc.integer({ min: 1, max: 60 });
    const filter = fc.constantFrom('bilinear' as const, 'bicubic' as const);
    // Black and white beside each other bring bicubic sums out of the range of bytes.
    const byte = fc.oneof(fc.constantFrom(0, 255), fc.integer({ min: 0, max: 255 }));
    const pattern = fc.array(byte, { minLength: 1, maxLength: 41 });
    fc.assert(
      fc.property(side, side, side, filter, pattern, (input, output, other, filter, pattern) => {
        const data = Uint8Array.from({ length: 3 * input * other }, (_, i) => pattern[i % pattern.length]);
        const taps = computeTaps(input, output, filter);
        const pairs = [
          [resizeRows(data, input, other, output, taps), resizeRowsPlainly(data, input, other, output, taps)],
          [resizeColumns(data, other, output, taps), resizeColumnsPlainly(data, other, output, taps)],
        ];
        for (const [one, two] of pairs) expect(Buffer.compare(one, two)).toBe(0);
      }),
    );
  });

  it('shrinks what is longer than the kernel can sum', () => {
    const image = createRgbImage(9001, 2, [7, 8, 9]);
    expect([...resizeImage(image, { width: 1, height: 2 }).data]).toEqual([7, 8, 9, 7, 8, 9]);
  });

  it('does not touch the input, and returns it when there is nothing to do', () => {
    const image = createRgbImage(8, 6, [9, 8, 7]);
    expect(resizeImage(image, { width: 8, height: 6 })).toBe(image);
    resizeImage(image, { width: 3, height: 9 });
    expect(image.data).toEqual(createRgbImage(8, 6, [9, 8, 7]).data);
  });

  it.each([
    { width: 0, height: 4 },
    { width: 4, height: 1.5 },
    { width: Number.NaN, height: 4 },
  ])('refuses the size $width x $height', (size) => {
    expect(() => resizeImage(createRgbImage(2, 2), size)).toThrow(/whole numbers of at least 1/);
  });
});
