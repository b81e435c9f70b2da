/**
 * CLIP's vision transformer: the low-resolution image encoder (paper section 3.2; Radford et al. 2021).
 *
 * Agrees with Hugging Face's `CLIPVisionModel`, whose parameter names it keeps (`vision_model.encoder.layers.0...`, and
 * `pre_layrnorm` as they spell it). It returns patch tokens of an inner layer, without the class token, as LLaVA does.
 */

import { attend, mergeHeads, splitHeads } from '../nn/attention.ts';
import { conv } from '../nn/conv.ts';
import { layerNorm } from '../nn/layer-norm.ts';
import { linear } from '../nn/linear.ts';
import type { Scope } from '../nn/scope.ts';
import type { Dim } from '../tensor/dimension.ts';
import { add } from '../tensor/ops/add.ts';
import { concat } from '../tensor/ops/concat.ts';
import { expand } from '../tensor/ops/expand.ts';
import { quickGelu } from '../tensor/ops/quick-gelu.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import { slice } from '../tensor/ops/slice.ts';
import { transpose } from '../tensor/ops/transpose.ts';
import type { Tensor } from '../tensor/tensor.ts';

export interface ClipVitConfig {
  hiddenSize: number;
  intermediateSize: number;
  numHiddenLayers: number;
  numAttentionHeads: number;
  /** Side of the square input in pixels. */
  imageSize: number;
  patchSize: number;
  /** Which hidden state is returned: -1 is the last layer's, -2 that of the one before, as in LLaVA. */
  selectLayer: number;
}

/** `openai/clip-vit-large-patch14-336`, and the size that two cores can train. */
export const clipVitPresets = {
  'clip-vit-large-patch14-336': {
    hiddenSize: 1024,
    intermediateSize: 4096,
    numHiddenLayers: 24,
    numAttentionHeads: 16,
    imageSize: 336,
    patchSize: 14,
    selectLayer: -2,
  },
  'clip-vit-nano': {
    hiddenSize: 128,
    intermediateSize: 384,
    numHiddenLayers: 4,
    numAttentionHeads: 4,
    imageSize: 128,
    patchSize: 16,
    selectLayer: -1,
  },
} satisfies Record<string, ClipVitConfig>;

/** Number of patch tokens of an image. */
export const clipVitTokens = ({ imageSize, patchSize }: ClipVitConfig): number => (imageSize / patchSize) ** 2;

/**
 * Image [B, 3, S, S] (normalised with CLIP's statistics) -> patch tokens [B, (S / patchSize)^2, hiddenSize], row by
 * row.
 */
export function clipVit(scope: Scope, config: ClipVitConfig): (image: Tensor) => Tensor {
  const model = scope.at('vision_model');
  const embed = embeddings(model.at('embeddings'), config);
  const normalize = layerNorm(model.at('pre_layrnorm'), config.hiddenSize);
  const count = config.numHiddenLayers + 1 + config.selectLayer;
  const layers = Array.from({ length: count }, (_, i) => encoderLayer(model.at('encoder.layers').at(i), config));
  return (image) => {
    const tokens = layers.reduce((x, layer) => layer(x), normalize(embed(image)));
    return slice(tokens, { axis: 1, start: 1 });
  };
}

/** The class token and the patches, with their positions: [B, 1 + N, C]. */
function embeddings(scope: Scope, config: ClipVitConfig) {
  const { hiddenSize, patchSize, imageSize } = config;
  const tokens = clipVitTokens(config);
  const patches = conv(scope.at('patch_embedding'), {
    inChannels: 3,
    outChannels: hiddenSize,
    kernel: patchSize,
    stride: patchSize,
    hasBias: false,
  });
  const start = { kind: 'normal', deviation: hiddenSize ** -0.5 } as const;
  const classToken = scope.parameter('class_embedding', [hiddenSize], start);
  const positions = scope.parameter('position_embedding.weight', [1 + tokens, hiddenSize], {
    kind: 'normal',
    deviation: 0.02,
  });
  const side = imageSize / patchSize;
  return (image: Tensor): Tensor => {
    const batch: Dim = image.shape[0];
    const grid = reshape(patches(image), [batch, hiddenSize, side * side]);
    const classRow = expand(reshape(classToken, [1, 1, hiddenSize]), [batch, 1, hiddenSize]);
    return add(concat([classRow, transpose(grid, [0, 2, 1])], 1), positions);
  };
}

/** Pre-norm attention and MLP, each added to its input. */
function encoderLayer(scope: Scope, { hiddenSize, intermediateSize, numAttentionHeads }: ClipVitConfig) {
  const attentionNorm = layerNorm(scope.at('layer_norm1'), hiddenSize);
  const mlpNorm = layerNorm(scope.at('layer_norm2'), hiddenSize);
  const project = (name: string) => linear(scope.at('self_attn').at(name), hiddenSize, hiddenSize);
  const [toQ, toK, toV, output] = ['q_proj', 'k_proj', 'v_proj', 'out_proj'].map(project);
  const expandMlp = linear(scope.at('mlp.fc1'), hiddenSize, intermediateSize);
  const contractMlp = linear(scope.at('mlp.fc2'), intermediateSize, hiddenSize);
  return (x: Tensor): Tensor => {
    const normalized = attentionNorm(x);
    const [q, k, v] = [toQ, toK, toV].map((projection) => splitHeads(projection(normalized), numAttentionHeads));
    const attended = add(x, output(mergeHeads(attend(q, k, v))));
    return add(attended, contractMlp(quickGelu(expandMlp(mlpNorm(attended)))));
  };
}
