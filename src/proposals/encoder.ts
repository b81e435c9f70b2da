/** The deformable transformer encoder: every token looks around itself on all levels (`upn_encoder.py`). */

import { layerNorm } from '../nn/layer-norm.ts';
import { linear } from '../nn/linear.ts';
import type { Scope } from '../nn/scope.ts';
import { inStretches } from '../nn/stretches.ts';
import { add } from '../tensor/ops/add.ts';
import { concat } from '../tensor/ops/concat.ts';
import { relu } from '../tensor/ops/relu.ts';
import { split } from '../tensor/ops/split.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { UpnConfig } from './config.ts';
import { deformableAttention, queryStretches, tokenFrame } from './deformable-attention.ts';
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
    return (tokens: Tensor, sequence: FeatureSequence, { lengths, positions, centers }: Stretches) => {
      const maps = attention.project(tokens, sequence);
      const before = split(tokens, { axis: 1, lengths, inTurn: true });
      const stretches = lengths.map((_, i) => {
        const seen = attention.attend(add(before[i], positions[i]), maps, { centers: centers[i] });
        return inStretches([before[i], seen], feedForwardSize, (x, added) => {
          const attended = norm1(add(x, added));
          return norm2(add(attended, feedForward(attended)));
        });
      });
      return stretches.length === 1 ? stretches[0] : concat(stretches, 1);
    };
  });
  return (sequence) => {
    const [batch, length] = sequence.tokens.shape;
    // 70,000 tokens at once would have places and weights of half a gigabyte.
    const isStatic = typeof batch === 'number' && typeof length === 'number';
    const lengths = isStatic ? queryStretches(length) : [length as number];
    // Split once for all layers: a runtime splits what is known early at once, and would hold the parts of every layer.
    const stretches = {
      lengths,
      positions: split(sequence.positions, { axis: 1, lengths }),
      centers: split(tokenFrame(sequence).centers, { axis: 3, lengths }),
    };
    return layers.reduce((tokens, layer) => layer(tokens, sequence, stretches), sequence.tokens);
  };
}

/** Where the tokens of every stretch are. */
interface Stretches {
  readonly lengths: readonly number[];
  /** [B, length, C] each */
  readonly positions: readonly Tensor[];
  /** [B, levels, 2, length] each */
  readonly centers: readonly Tensor[];
}

/** Two linear layers with a ReLU between, named `linear1` and `linear2`. */
export function feedForwardNetwork(scope: Scope, { hiddenSize, feedForwardSize }: UpnConfig): (x: Tensor) => Tensor {
  const up = linear(scope.at('linear1'), hiddenSize, feedForwardSize);
  const down = linear(scope.at('linear2'), feedForwardSize, hiddenSize);
  return (x) => down(relu(up(x)));
}
