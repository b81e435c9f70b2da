/**
 * Weights and images that a formula gives, the same as `tools/reference/upn/make_fixture.py` gave to the official code.
 */

import type { StoredWeight } from '../../onnx/emit.ts';
import type { UpnConfig } from '../config.ts';
import { upnParameters } from '../weights.ts';

/** The sizes of that fixture: a whole UPN, as small as the official code allows. */
export const tinyConfig: UpnConfig = {
  backbone: { kind: 'swin', embedDim: 16, depths: [1, 1, 2, 1], numHeads: [1, 2, 2, 4], windowSize: 3 },
  backboneStages: [0, 1, 2, 3],
  numLevels: 5,
  hiddenSize: 256,
  numHeads: 8,
  numPoints: 4,
  numEncoderLayers: 1,
  numDecoderLayers: 2,
  feedForwardSize: 32,
  numQueries: 12,
  shorterSide: 64,
  longerSide: 96,
  canvasMultiple: 1,
};

/** Numbers in [-1, 1) * sqrt(3) * deviation from a hash of the name and of every index. */
export function patterned(name: string, count: number, deviation: number): Float32Array {
  let seed = 2166136261;
  for (const byte of new TextEncoder().encode(name)) seed = Math.imul(seed ^ byte, 16777619);
  return Float32Array.from({ length: count }, (_, i) => {
    let x = (seed + Math.imul(i, 2654435761)) | 0;
    for (let round = 0; round < 2; round++) x = Math.imul(x ^ (x >>> 16), 0x45d9f3b);
    x ^= x >>> 16;
    return ((x >>> 0) / 2 ** 31 - 1) * Math.sqrt(3) * deviation;
  });
}

/** Every parameter of a configuration. */
export function patternedWeights(config: UpnConfig): Map<string, StoredWeight & { data: Float32Array }> {
  return new Map(
    upnParameters(config).map(({ name, shape }) => [
      name,
      { dtype: 'float32' as const, data: patternedWeight(name, shape) },
    ]),
  );
}

/** The values of one parameter. */
export function patternedWeight(name: string, shape: readonly number[]): Float32Array {
  const count = shape.reduce((product, size) => product * size, 1);
  const isScale = shape.length === 1 && /norm\d?\.weight$|^input_proj\.\d\.1\.weight$/.test(name);
  if (isScale) return patterned(name, count, 0.1).map((value) => 1 + value);
  if (name.endsWith('sampling_offsets.bias')) return patterned(name, count, 2);
  if (shape.length === 1) return patterned(name, count, 0.05);
  if (/prompt|tgt_embed|level_embed|bias_table/.test(name)) return patterned(name, count, 1);
  return patterned(name, count, 0.7 / Math.sqrt(count / shape[0]));
}
