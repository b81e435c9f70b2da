/** The deformable transformer encoder: every token looks around itself on all levels (`upn_encoder.py`). */

import { layerNorm } from '../nn/layer-norm.ts';
import { linear } from '../nn/linear.ts';
import type { Scope } from '../nn/scope.ts';
import { add } from '../tensor/ops/add.ts';
import { concat } from '../tensor/ops/concat.ts';
import { relu } from '../tensor/ops/relu.ts';
import { split } from '../tensor/ops/split.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { UpnConfig } from './config.ts';
import { deformableAttention, tokenFrame } from './deformable-attention.ts';
import type { FeatureSequence } from './feature-levels.ts';

/** A sequence of all levels -> the memory [B, S, C]. */
export function deformableEncoder(scope: Scope, config: UpnConfig): (sequence: FeatureSequence) => Tensor {
  const { hiddenSize, feedForwardSize, numEncoderLayers } = config;
  const layers = Array.from({ length: numEncoderLayers }, (_, i) => {
    const at = scope.at(`layers.${i}`);
    const attention = deformableAttention(at.at('self_attn'), config);
    const norm1 = layerNorm(at.at('norm1'), hiddenSize);
    const feedForward = feedForwardNetwork(at, config);
    const norm2 = layerNorm(at.at('norm2'), hiddenSize);
    return (tokens: Tensor, sequence: FeatureSequence, frame: ReturnType<typeof tokenFrame>) => {
      const maps = attention.project(tokens, sequence);
      const seen = attention.attend(add(tokens, sequence.positions), maps, frame);
      return inStretches([tokens, seen], feedForwardSize, (before, added) => {
        const attended = norm1(add(before, added));
        return norm2(add(attended, feedForward(attended)));
      });
    };
  });
  return (sequence) => {
    const frame = tokenFrame(sequence);
    return layers.reduce((tokens, layer) => layer(tokens, sequence, frame), sequence.tokens);
  };
}

/** Most numbers that the widest tensor of a stretch may have: few enough to stay in a processor's shared cache. */
const mostPerStretch = 2 ** 22;

/**
 * What is done to every token alone, done to stretches of tokens [B, S, C] in turn. A feed-forward network over 70,000
 * tokens at once writes out and reads back half a gigabyte between its two layers.
 */
function inStretches(inputs: readonly Tensor[], width: number, map: (...inputs: Tensor[]) => Tensor): Tensor {
  const [batch, tokens] = inputs[0].shape;
  if (typeof batch !== 'number' || typeof tokens !== 'number') return map(...inputs);
  const count = Math.ceil((batch * tokens * width) / mostPerStretch);
  const longest = Math.ceil(tokens / count);
  const lengths = Array.from({ length: Math.ceil(tokens / longest) }, (_, i) =>
    Math.min(longest, tokens - i * longest),
  );
  const stretches = inputs.map((input) => split(input, { axis: 1, lengths }));
  return concat(
    lengths.map((_, i) => map(...stretches.map((parts) => parts[i]))),
    1,
  );
}

/** Two linear layers with a ReLU between, named `linear1` and `linear2`. */
export function feedForwardNetwork(scope: Scope, { hiddenSize, feedForwardSize }: UpnConfig): (x: Tensor) => Tensor {
  const up = linear(scope.at('linear1'), hiddenSize, feedForwardSize);
  const down = linear(scope.at('linear2'), feedForwardSize, hiddenSize);
  return (x) => down(relu(up(x)));
}
