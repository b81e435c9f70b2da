/** The bundled weights of `models/photo/upn` on any input: what the test and `tools/reference/nanodet.ts` compare. */

import { createScope } from '../../../nn/scope.ts';
import { hostTensor } from '../../../runtime/host-tensor.ts';
import { Session } from '../../../runtime/session.ts';
import { input } from '../../../tensor/ops/input.ts';
import { sigmoid } from '../../../tensor/ops/sigmoid.ts';
import { nanoDetNetwork, nanoDetParameters } from '../../../vision/nanodet/network.ts';
import { openCheckpoint } from '../../../weights/checkpoint.ts';
import { storedWeights } from '../../../weights/storage.ts';
import { locateNetwork } from '../../locate.ts';
import { parseNanoDetConfig, sizesOf } from '../config.ts';

let session: Promise<Session> | undefined;

/**
 * @param rgb [3, side, side], normalised; @returns scores of three levels, then distances of three levels, as the
 * original
 */
export async function runBundled(rgb: Float32Array): Promise<Float32Array[]> {
  const side = Math.sqrt(rgb.length / 3);
  session ??= open(side);
  const results = await (await session).run({ images: hostTensor('float32', [1, 3, side, side], rgb) });
  const levels = [0, 1, 2];
  return [...levels.map((i) => `scores ${i}`), ...levels.map((i) => `distances ${i}`)].map(
    (name) => results[name].data as Float32Array,
  );
}

async function open(side: number): Promise<Session> {
  const located = await locateNetwork('photo');
  const config = parseNanoDetConfig(located.isFolder && located.config);
  const network = nanoDetNetwork(createScope(), sizesOf(config));
  const levels = network.predict(network.maps(input('images', 'float32', [1, 3, side, side])));
  const outputs = levels.flatMap(({ logits, distances }, i) => [
    [`scores ${i}`, sigmoid(logits)] as const,
    [`distances ${i}`, distances] as const,
  ]);
  const { tensors } = await openCheckpoint(located.path);
  return Session.create(Object.fromEntries(outputs), storedWeights(nanoDetParameters(sizesOf(config)), tensors), {
    threads: 1,
  });
}

/** A made-up image [3, side, side]: waves of every colour over a square with an edge. */
export function patternedSquare(side: number): Float32Array {
  return Float32Array.from({ length: 3 * side * side }, (_, i) => {
    const [channel, y, x] = [Math.floor(i / side ** 2), Math.floor(i / side) % side, i % side];
    const wave = Math.sin((x * (channel + 2) + 3 * y) / 17) * Math.cos((y - x * channel) / 29);
    const isInside = x > side / 4 && x < side / 2 && y > side / 3 && y < (4 * side) / 5;
    return Math.fround(wave + (isInside ? 1.5 - channel : 0));
  });
}

/** Which of `count` values a fixture keeps: forty, all over. */
export const places = (count: number): number[] =>
  Array.from({ length: 40 }, (_, i) => Math.floor((i * 7919 * count) / 40 / 7919 + i * 31) % count);
