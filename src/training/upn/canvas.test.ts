import { expect, test } from 'vitest';
import type { ImageSize } from '../../image/rgb-image.ts';
import { createRandom } from '../../random.ts';
import { contentSize, createBatchPlanner } from './canvas.ts';

const canvases = [
  { width: 1088, height: 800 },
  { width: 800, height: 1088 },
];
const settings = { seed: 4, parts: 2, batchSize: 3, canvases };
const sizes = Array.from({ length: 32 * 6 }, (_, i): ImageSize => {
  const random = createRandom(`size/${i}`);
  return { width: random.int(300, 700), height: random.int(300, 700) };
});
const sizeOf = async (position: number) => sizes[position % sizes.length];

async function planAll(order: (steps: number[]) => number[] = (steps) => steps) {
  const plan = createBatchPlanner(settings, sizeOf);
  const steps = order(Array.from({ length: 32 }, (_, step) => step));
  const plans = await Promise.all(
    steps.flatMap((step) => [0, 1].map(async (part) => ({ step, part, ...(await plan(step, part)) }))),
  );
  return plans.sort((a, b) => a.step - b.step || a.part - b.part);
}

test('every position of a window stands in one batch', async () => {
  const plans = await planAll();
  const positions = plans.flatMap((plan) => plan.positions).sort((a, b) => a - b);
  expect(positions).toEqual(Array.from({ length: 32 * 6 }, (_, i) => i));
});

test('plans do not depend on who asks, nor in which order', async () => {
  expect(await planAll((steps) => steps.reverse())).toEqual(await planAll());
});

test('images of a batch are of like aspect ratio and on the canvas that suits them', async () => {
  let padding = 0;
  for (const { canvas, positions } of await planAll()) {
    const images = positions.map((position) => sizes[position]);
    const mean = images.reduce((sum, { width, height }) => sum + width / height, 0) / images.length;
    if (mean > 1.1) expect(canvas).toBe(0);
    if (mean < 0.9) expect(canvas).toBe(1);
    for (const image of images) {
      const content = contentSize(image, canvases[canvas], { shorterSide: 800, longerSide: 1333 });
      expect(content.width <= canvases[canvas].width && content.height <= canvases[canvas].height).toBe(true);
      expect(content.width / content.height).toBeCloseTo(image.width / image.height, 1);
      padding += 1 - (content.width * content.height) / (1088 * 800);
    }
  }
  expect(padding / (32 * 6)).toBeLessThan(0.2);
});

test('content has the size of use where the canvas has room', () => {
  const rule = { shorterSide: 256, longerSide: 512 };
  expect(contentSize({ width: 154, height: 154 }, { width: 256, height: 256 }, rule)).toEqual({
    width: 256,
    height: 256,
  });
  expect(contentSize({ width: 1000, height: 100 }, { width: 256, height: 256 }, rule)).toEqual({
    width: 256,
    height: 26,
  });
  expect(contentSize({ width: 1, height: 4000 }, { width: 64, height: 64 }, rule)).toEqual({ width: 1, height: 64 });
});
