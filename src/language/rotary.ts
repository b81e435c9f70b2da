/**
 * Rotary position embedding (Su et al. 2021): pairs of channels (i, i + D/2) turn by an angle that grows with position.
 * Agrees with transformers' `modeling_rope_utils` for the types 'default', 'linear' and 'llama3'.
 */

import { add } from '../tensor/ops/add.ts';
import { concat } from '../tensor/ops/concat.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { slice } from '../tensor/ops/slice.ts';
import { subtract } from '../tensor/ops/subtract.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { LlamaConfig } from './llama-config.ts';

/** Cosine and sine of all angles, float32 [positions, headDim / 2] row-major. */
export function rotaryTables(
  config: Pick<LlamaConfig, 'headDim' | 'ropeTheta' | 'ropeScaling'>,
  positions: number,
): { cosines: Float32Array; sines: Float32Array } {
  const half = config.headDim / 2;
  const cosines = new Float32Array(positions * half);
  const sines = new Float32Array(positions * half);
  const frequencies = rotaryFrequencies(config);
  for (let position = 0; position < positions; position++) {
    for (let i = 0; i < half; i++) {
      // Rounded as the reference rounds, or angles at large positions would differ from its in the third decimal.
      const angle = Math.fround(position * Math.fround(frequencies[i]));
      cosines[position * half + i] = Math.cos(angle);
      sines[position * half + i] = Math.sin(angle);
    }
  }
  return { cosines, sines };
}

/** Radians per position of each pair of channels, headDim / 2 of them. */
export function rotaryFrequencies({
  headDim,
  ropeTheta,
  ropeScaling,
}: Pick<LlamaConfig, 'headDim' | 'ropeTheta' | 'ropeScaling'>): number[] {
  return Array.from({ length: headDim / 2 }, (_, i) => {
    const frequency = ropeTheta ** ((-2 * i) / headDim);
    if (ropeScaling.type === 'default') return frequency;
    if (ropeScaling.type === 'linear') return frequency / ropeScaling.factor;
    const { factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings } = ropeScaling;
    const turns = (originalMaxPositionEmbeddings * frequency) / (2 * Math.PI);
    const kept = Math.min(1, Math.max(0, (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor)));
    return frequency * (kept + (1 - kept) / factor);
  });
}

/** Turns x [..., sequence, D] by angles whose cosines and sines [sequence, D / 2] are given. */
export function rotate(x: Tensor, cosines: Tensor, sines: Tensor): Tensor {
  const half = (x.shape.at(-1) as number) / 2;
  const [a, b] = [slice(x, { axis: -1, end: half }), slice(x, { axis: -1, start: half })];
  const turned = [subtract(multiply(a, cosines), multiply(b, sines)), add(multiply(b, cosines), multiply(a, sines))];
  return concat(turned, -1);
}
