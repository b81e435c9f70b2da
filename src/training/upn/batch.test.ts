import { expect, test } from 'vitest';
import type { Dataset } from '../../datasets/dataset.ts';
import type { Region, Sample } from '../../datasets/sample.ts';
import { ChatRexError } from '../../errors.ts';
import { createRgbImage } from '../../image/rgb-image.ts';
import { upnPresets } from '../../proposals/config.ts';
import { createRandom } from '../../random.ts';
import { upnBatch, upnExample } from './batch.ts';
import type { UpnTrainingConfig } from './loss.ts';
import { validTokens } from './step.ts';

const upn = { ...upnPresets['upn-nano'], shorterSide: 64, longerSide: 128, numQueries: 5 };
const config = {
  upn,
  batchSize: 2,
  canvases: [
    { width: 128, height: 64 },
    { width: 64, height: 128 },
  ],
  isPadded: true,
  denoisingQueries: 4,
  maxPositiveTokens: 16,
} satisfies UpnTrainingConfig;

/** One image with these regions, 200 x 120, or of another size. */
function datasetOf(regions: readonly Region[], size = { width: 200, height: 120 }, coverage = {}): Dataset {
  const sample: Sample = {
    id: 'a',
    image: { file: 'a.png', size },
    regions,
    phrases: [],
    conversations: [],
    coverage: { complete: ['coarse'], isClosed: true, ...coverage },
  };
  return {
    name: 'one',
    fingerprint: 'f',
    size: 1,
    vocabulary: [],
    sample: async () => sample,
    imageSize: async () => size,
    image: async () => createRgbImage(size.width, size.height, [200, 10, 10]),
    conversations: async () => [],
    close: async () => {},
  };
}

const region = (x: number, more: Partial<Region> = {}): Region => ({
  boxXyxy: [x, 20, x + 40, 80],
  granularities: ['coarse'],
  ...more,
});

test('boxes are shares of the content, not of the canvas', async () => {
  const example = await upnExample(datasetOf([region(50)]), 0, config, 0);
  expect([example.image.width, example.image.height]).toEqual([106, 64]);
  const expected = [70 / 200, 50 / 120, 40 / 200, 60 / 120];
  expect([...example.truths.coarse!.objects].map((value, i) => Math.abs(value - expected[i]) < 1e-5)).toEqual(
    Array(4).fill(true),
  );
});

test('a prompt that no annotation speaks of has no truth; a crowd is ignored', async () => {
  const { truths } = await upnExample(datasetOf([region(10), region(90, { isIgnored: true })]), 0, config, 0);
  expect(truths.fine).toBeNull();
  expect([truths.coarse!.objects.length, truths.coarse!.ignored.length]).toEqual([4, 4]);
  expect(truths.coarse!.isComplete).toBe(true);
  const parts = datasetOf([region(10, { granularities: ['fine'] })], undefined, { complete: [] });
  const partial = (await upnExample(parts, 0, config, 0)).truths;
  expect(partial.coarse).toBeNull();
  expect(partial.fine).toMatchObject({ isComplete: false });
  const empty = (await upnExample(datasetOf([]), 0, config, 0)).truths;
  expect(empty.coarse!.objects).toHaveLength(0);
});

test('of more objects than queries a random choice is asked for, and the others are ignored', async () => {
  const many = datasetOf(Array.from({ length: 12 }, (_, i) => region(12 * i)));
  const drawn = await Promise.all(
    ['a', 'b'].map(async (key) => {
      // The same view of everything, so that only the choice differs.
      const random = { ...createRandom(key), chance: () => true };
      return (await upnExample(many, 0, config, 0, random)).truths.coarse!;
    }),
  );
  for (const { objects, ignored } of drawn) {
    expect(objects.length / 4).toBe(5);
    expect(ignored.length / 4).toBeGreaterThan(3);
  }
  expect([...drawn[0].objects]).not.toEqual([...drawn[1].objects]);
});

test('images are in the top left corner of their canvas and the rest is padding', async () => {
  const example = await upnExample(datasetOf([region(50)], { width: 120, height: 120 }), 0, config, 0);
  const batch = upnBatch([example, null], config, 0);
  const padding = batch.feeds.padding.data as Uint8Array;
  expect([padding[0], padding[63], padding[64], padding[127]]).toEqual([0, 0, 1, 1]);
  const pixels = batch.feeds.pixels.data as Float32Array;
  expect(pixels[0]).toBeGreaterThan(0.5);
  expect(pixels[100], 'padding is zero').toBe(0);
  expect(batch.unreadable).toBe(1);
  expect(batch.truths.coarse[1]).toBeNull();
  // Strides 8, 16 and 32 of 128 x 64, of which the left half is image.
  const valid = validTokens(config, batch);
  expect(valid).toHaveLength(2 * (16 * 8 + 8 * 4 + 4 * 2));
  expect([...valid.subarray(0, 16)]).toEqual([...Array(8).fill(1), ...Array(8).fill(0)]);
});

test('an image that cannot be read is an error here, for the stage to leave out', async () => {
  const broken = { ...datasetOf([]), image: () => Promise.reject(new ChatRexError('not-found', 'no a.png')) };
  await expect(upnExample(broken, 0, config, 0)).rejects.toThrow('no a.png');
});
