/**
 * Causal attention of new tokens over a key-value cache that it extends, with grouped heads and rotary positions.
 * Agrees with ONNX Runtime's com.microsoft.GroupQueryAttention in its rotate-half form, which is also what Llama's is.
 */

import { type NdArray, ndArray } from '../nd-array.ts';
import type { NonDifferentiableOp } from '../op.ts';
import { requireDType, requireRank, staticDim } from '../shape.ts';
import { applyAll, misfit, type Tensor } from '../tensor.ts';

interface GroupQueryAttentionAttributes {
  readonly heads: number;
  readonly keyValueHeads: number;
}

export interface GroupQueryAttentionInputs {
  /** float32 [batch, sequence, heads * D], not yet rotated. */
  query: Tensor;
  /** float32 [batch, sequence, keyValueHeads * D], not yet rotated; likewise `value`. */
  key: Tensor;
  value: Tensor;
  /** float32 [batch, keyValueHeads, capacity, D]: what was cached before, rotated; likewise `pastValue`. */
  pastKey: Tensor;
  pastValue: Tensor;
  /** int32 [batch]: position of each row's last new token. */
  lastPositions: Tensor;
  /** int32 [1]: number of tokens of the longest row, the new ones included. */
  totalLength: Tensor;
  /** float32 [positions, D / 2] each: the cosine and sine of every position's angles. */
  cosines: Tensor;
  sines: Tensor;
}

/**
 * Output [batch, sequence, heads * D], and the caches with the new keys and values in them. Bound to the memory of the
 * past at run time, the caches are extended in place.
 *
 * Rows may be of different lengths when one token is new in each; several new tokens after a past need a batch of one
 * (a limit of ONNX Runtime's kernel, which reports it).
 */
export function groupQueryAttention(
  inputs: GroupQueryAttentionInputs,
  attributes: GroupQueryAttentionAttributes,
): { output: Tensor; presentKey: Tensor; presentValue: Tensor } {
  const { query, key, value, pastKey, pastValue, lastPositions, totalLength, cosines, sines } = inputs;
  const ordered = [query, key, value, pastKey, pastValue, lastPositions, totalLength, cosines, sines];
  const [output, presentKey, presentValue] = applyAll(groupQueryAttentionOp, ordered, attributes);
  return { output, presentKey, presentValue };
}

export const groupQueryAttentionOp: NonDifferentiableOp<GroupQueryAttentionAttributes> = {
  name: 'GroupQueryAttention',
  infer: ([query, key, value, pastKey, pastValue, lastPositions, totalLength, cosines], { heads, keyValueHeads }) => {
    for (const tensor of [query, key, value]) requireRank(tensor, 3, 'query, key and value');
    for (const tensor of [pastKey, pastValue]) requireRank(tensor, 4, 'the cache');
    for (const tensor of [lastPositions, totalLength]) requireDType(tensor, ['int32'], 'positions and length');
    const width = staticDim(pastKey.shape[3], 'the width of a head');
    if (heads % keyValueHeads !== 0) throw misfit(`${heads} heads cannot share ${keyValueHeads} key-value heads`);
    if (query.shape[2] !== heads * width) throw misfit(`query must have ${heads} x ${width} channels`);
    if (key.shape[2] !== keyValueHeads * width) throw misfit(`key must have ${keyValueHeads} x ${width} channels`);
    // The kernel rotates eight pairs of channels at a time.
    if (width % 16 !== 0) throw misfit(`the width of a head must be a multiple of 16, not ${width}`);
    if (cosines.shape[1] !== width / 2) throw misfit(`cosines and sines must be [positions, ${width / 2}]`);
    return [query, pastKey, pastValue].map(({ dtype, shape }) => ({ dtype, shape }));
  },
  emit: ({ onnx, inputs, outputs, attributes: { heads, keyValueHeads } }) => {
    // Without somewhere to write the caches to, the kernel attends to memory that it never filled.
    const all = [0, 1, 2].map((i) => outputs[i] || onnx.fresh('GroupQueryAttention'));
    onnx.node('GroupQueryAttention', inputs, all, {
      domain: 'com.microsoft',
      attributes: { num_heads: heads, kv_num_heads: keyValueHeads, do_rotary: 1 },
    });
  },
  gradient: { whyNot: 'it writes into a cache; training uses attention made of differentiable ops' },
  reference: (inputs, attributes) => attendReference(inputs, attributes),
};

function attendReference(inputs: readonly NdArray[], attributes: GroupQueryAttentionAttributes): NdArray[] {
  const [query, key, value, pastKey, pastValue, lastPositions, , cosines, sines] = inputs;
  const { heads, keyValueHeads } = attributes;
  const [batch, sequence] = query.shape;
  const [, , capacity, width] = pastKey.shape;
  const [presentKey, presentValue] = [pastKey, pastValue].map(({ shape, data }) => ndArray(shape, data));
  const output = ndArray(query.shape);
  const cached = (cache: NdArray, row: number, head: number, position: number) => {
    const start = ((row * keyValueHeads + head) * capacity + position) * width;
    return cache.data.subarray(start, start + width);
  };
  const fresh = (x: NdArray, row: number, token: number, head: number) => {
    const start = (row * sequence + token) * x.shape[2] + head * width;
    return x.data.subarray(start, start + width);
  };
  for (let row = 0; row < batch; row++) {
    const start = lastPositions.data[row] + 1 - sequence;
    for (let token = 0; token < sequence; token++) {
      for (let head = 0; head < keyValueHeads; head++) {
        cached(presentKey, row, head, start + token).set(
          rotateHalf(fresh(key, row, token, head), start + token, cosines, sines),
        );
        cached(presentValue, row, head, start + token).set(fresh(value, row, token, head));
      }
      for (let head = 0; head < heads; head++) {
        const q = rotateHalf(fresh(query, row, token, head), start + token, cosines, sines);
        const shared = Math.floor(head / (heads / keyValueHeads));
        const weights = Array.from({ length: start + token + 1 }, (_, position) => {
          const k = cached(presentKey, row, shared, position);
          return Math.exp(q.reduce((sum, x, i) => sum + x * k[i], 0) / Math.sqrt(width));
        });
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const mixed = fresh(output, row, token, head);
        weights.forEach((weight, position) => {
          const v = cached(presentValue, row, shared, position);
          for (let i = 0; i < width; i++) mixed[i] += (weight / total) * v[i];
        });
      }
    }
  }
  return [output, presentKey, presentValue];
}

/** Turns channel i against channel i + D/2 by the angle of the position. */
function rotateHalf(x: Float64Array, position: number, cosines: NdArray, sines: NdArray): Float64Array {
  const half = x.length / 2;
  return x.map((value, i) => {
    const angle = position * half + (i % half);
    const partner = i < half ? -x[i + half] : x[i - half];
    return value * cosines.data[angle] + partner * sines.data[angle];
  });
}
