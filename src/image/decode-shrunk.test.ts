import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeImage, imageSizeOf } from './decode.ts';

/** Left half red, right half blue; turned upright, red is on top. */
const sideways = await sharp({ create: { width: 160, height: 96, channels: 3, background: '#ff0000' } })
  .composite([{ input: { create: { width: 80, height: 96, channels: 3, background: '#0000ff' } }, left: 80, top: 0 }])
  .withMetadata({ orientation: 6 })
  .jpeg({ quality: 95 })
  .toBuffer();

describe('a smaller image', () => {
  it('is upright, and shrunk by the largest factor that leaves enough', async () => {
    expect(await imageSizeOf(sideways)).toEqual({ width: 96, height: 160 });
    const sizes = [
      [96, 160, 96, 160],
      [48, 80, 48, 80],
      [49, 10, 96, 160],
      [24, 40, 24, 40],
      [13, 20, 24, 40],
      [12, 20, 12, 20],
      [1, 1, 12, 20],
      [500, 500, 96, 160],
    ];
    for (const [least, leastHeight, width, height] of sizes) {
      const image = await decodeImage(sideways, { atLeast: { width: least, height: leastHeight } });
      expect([image.width, image.height]).toEqual([width, height]);
      const at = (x: number, y: number) => [...image.data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)];
      const [top, bottom] = [at(width >> 1, 1), at(width >> 1, height - 2)];
      expect(top[0] - top[2]).toBeGreaterThan(150);
      expect(bottom[2] - bottom[0]).toBeGreaterThan(150);
    }
  });

  it('has sides rounded up where they are odd', async () => {
    const odd = await sharp({ create: { width: 101, height: 67, channels: 3, background: '#808080' } })
      .png()
      .toBuffer();
    const { width, height } = await decodeImage(odd, { atLeast: { width: 50, height: 33 } });
    expect([width, height]).toEqual([51, 34]);
  });

  it('needs a file that is an image', async () => {
    await expect(imageSizeOf('nowhere.png')).rejects.toMatchObject({ code: 'not-found' });
    await expect(imageSizeOf(Buffer.from('text'))).rejects.toMatchObject({ code: 'invalid-file' });
  });
});
