import { describe, expect, it } from 'vitest';
import { CLIP_STATISTICS, createImageBatch, IMAGENET_STATISTICS, setImage } from './normalize.ts';
import { meanColour, padToSquare } from './pad.ts';
import { createRgbImage, type RgbImage } from './rgb-image.ts';

const twoByTwo: RgbImage = {
  width: 2,
  height: 2,
  data: Uint8Array.of(0, 1, 2, 50, 51, 52, 128, 129, 130, 255, 254, 253),
};

describe('setImage', () => {
  it('equals torchvision to_tensor and normalize', () => {
    // torchvision.transforms.functional on the four pixels above, ImageNet statistics, printed as float32.
    const expected = [
      [-2.1179039478, -1.2616662979, 0.0740646273, 2.2489082813],
      [-2.0182073116, -1.1428570747, 0.2226891965, 2.4110641479],
      [-1.7695860863, -0.8981263041, 0.4613509476, 2.6051416397],
    ];
    const batch = createImageBatch(1, { width: 2, height: 2 });
    setImage(batch, 0, twoByTwo, IMAGENET_STATISTICS);
    expected.flat().forEach((value, at) => {
      expect(batch.pixels[at]).toBe(Math.fround(value));
    });
    expect([...batch.mask]).toEqual([0, 0, 0, 0]);
  });

  it('leaves zeros and a mask of ones around a smaller image, also when a place is used again', () => {
    const batch = createImageBatch(2, { width: 4, height: 3 });
    setImage(batch, 1, createRgbImage(4, 3, [255, 255, 255]), IMAGENET_STATISTICS);
    setImage(batch, 1, twoByTwo, IMAGENET_STATISTICS);
    expect([...batch.mask.subarray(0, 12)]).toEqual(Array(12).fill(1));
    expect([...batch.mask.subarray(12)]).toEqual([0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1]);
    expect(batch.pixels.subarray(0, 36).every((value) => value === 0)).toBe(true);
    for (let channel = 0; channel < 3; channel++) {
      const plane = batch.pixels.subarray(36 + channel * 12, 36 + (channel + 1) * 12);
      plane.forEach((value, at) => {
        expect(value === 0).toBe(batch.mask[12 + at] === 1);
      });
    }
  });

  it('refuses a missing place and an image that is too large', () => {
    const batch = createImageBatch(1, { width: 2, height: 1 });
    expect(() => setImage(batch, 1, createRgbImage(1, 1), IMAGENET_STATISTICS)).toThrow(/places 0 to 0; got 1/);
    expect(() => setImage(batch, 0, twoByTwo, IMAGENET_STATISTICS)).toThrow(/2 x 2 does not fit .* 2 x 1/);
  });
});

describe('padToSquare', () => {
  it('centres the image; the odd row goes below', () => {
    const square = padToSquare(createRgbImage(4, 1, [1, 2, 3]), [7, 8, 9]);
    expect([square.width, square.height]).toEqual([4, 4]);
    const rows = [0, 1, 2, 3].map((row) => [...square.data.subarray(row * 12, row * 12 + 3)]);
    expect(rows).toEqual([
      [7, 8, 9],
      [1, 2, 3],
      [7, 8, 9],
      [7, 8, 9],
    ]);
  });

  it('centres a tall image, and leaves a square one alone', () => {
    const square = padToSquare(createRgbImage(1, 2, [5, 5, 5]), [0, 0, 0]);
    expect([...square.data]).toEqual([5, 5, 5, 0, 0, 0, 5, 5, 5, 0, 0, 0]);
    expect(padToSquare(twoByTwo, [0, 0, 0])).toBe(twoByTwo);
  });

  it('has the colour of the official padding', () => {
    expect(meanColour(CLIP_STATISTICS)).toEqual([122, 116, 104]);
  });
});
