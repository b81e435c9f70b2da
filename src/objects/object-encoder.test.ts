import { expect, test } from 'vitest';
import { hostTensor } from '../runtime/host-tensor.ts';
import { Session } from '../runtime/session.ts';
import { input } from '../tensor/ops/input.ts';
import { boxEmbedding, placeChannels, placeEmbedding } from './object-encoder.ts';

async function embed(build: typeof placeEmbedding, boxes: number[][]): Promise<number[][]> {
  const session = await Session.create({ y: build(input('boxes', 'float32', [1, boxes.length, 4])) }, new Map());
  const { y } = await session.run({ boxes: hostTensor('float32', [1, boxes.length, 4], boxes.flat()) });
  await session.dispose();
  const channels = Number(y.shape[2]);
  return boxes.map((_, i) => Array.from(y.data.subarray(i * channels, (i + 1) * channels) as Float32Array));
}

/** Sine of even and cosine of odd channels of one coordinate, a quarter of them each: y, x, width, height. */
const byHand = (value: number) =>
  Array.from({ length: placeChannels / 4 }, (_, i) => {
    const angle = value * ((2 * Math.PI) / 20 ** ((2 * Math.floor(i / 2)) / (placeChannels / 4)));
    return i % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
  });

test('a place is the sine-cosine position of a box minus that of a typical one', async () => {
  const [typical, other] = await embed(placeEmbedding, [
    [0.5, 0.5, 0.25, 0.25],
    [0.2, 0.7, 0.1, 0.4],
  ]);
  for (const value of typical) expect(value).toBeCloseTo(0, 5);
  const expected = [
    [0.7, 0.5],
    [0.2, 0.5],
    [0.1, 0.25],
    [0.4, 0.25],
  ].flatMap(([value, usual]) => {
    const [own, of] = [byHand(value), byHand(usual)];
    return own.map((one, i) => one - of[i]);
  });
  expect(other).toHaveLength(placeChannels);
  for (const [i, value] of other.entries()) expect(value).toBeCloseTo(expected[i], 4);
});

test('the position of the paper has sine first, in the order y, x, width, height', async () => {
  const [row] = await embed((boxes) => boxEmbedding(boxes, 8, 10_000), [[0.1, 0.2, 0.3, 0.4]]);
  const pairs = [0.2, 0.1, 0.3, 0.4].flatMap((value) => [Math.sin(2 * Math.PI * value), Math.cos(2 * Math.PI * value)]);
  for (const [i, value] of row.entries()) expect(value).toBeCloseTo(pairs[i], 4);
});
