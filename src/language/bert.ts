/**
 * BERT (Devlin et al. 2019) as an encoder of short texts: embeddings and post-norm transformer layers.
 * Agrees with Hugging Face's `BertModel`, whose parameter names it keeps (`encoder.layer.0.attention.self.query.weight`
 * ...). Texts of one batch are equally long, so there is no mask; every token is of the first segment.
 */

import { attend, mergeHeads, splitHeads } from '../nn/attention.ts';
import { layerNorm } from '../nn/layer-norm.ts';
import { linear } from '../nn/linear.ts';
import type { Scope } from '../nn/scope.ts';
import { add } from '../tensor/ops/add.ts';
import { gather } from '../tensor/ops/gather.ts';
import { gelu } from '../tensor/ops/gelu.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import { slice } from '../tensor/ops/slice.ts';
import type { Tensor } from '../tensor/tensor.ts';

export interface BertConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
  readonly maxPositionEmbeddings: number;
  readonly typeVocabSize: number;
  readonly layerNormEps: number;
}

/** Token ids int64 [B, L] and positions int64 [L] -> hidden states [B, L, hiddenSize]. */
export function bert(scope: Scope, config: BertConfig): (ids: Tensor, positions: Tensor) => Tensor {
  const { hiddenSize, layerNormEps: epsilon } = config;
  const embeddings = scope.at('embeddings');
  const words = embeddings.parameter('word_embeddings.weight', [config.vocabSize, hiddenSize]);
  const places = embeddings.parameter('position_embeddings.weight', [config.maxPositionEmbeddings, hiddenSize]);
  const segments = embeddings.parameter('token_type_embeddings.weight', [config.typeVocabSize, hiddenSize]);
  const normalize = layerNorm(embeddings.at('LayerNorm'), hiddenSize, { epsilon });
  const layers = Array.from({ length: config.numHiddenLayers }, (_, i) =>
    bertLayer(scope.at(`encoder.layer.${i}`), config),
  );
  return (ids, positions) => {
    const firstSegment = reshape(slice(segments, { axis: 0, start: 0, end: 1 }), [hiddenSize]);
    const embedded = add(add(gather(words, ids, { axis: 0 }), gather(places, positions, { axis: 0 })), firstSegment);
    return layers.reduce((x, layer) => layer(x), normalize(embedded));
  };
}

/** Attention and MLP, each added to its input and normalised after. */
function bertLayer(
  scope: Scope,
  { hiddenSize, intermediateSize, numAttentionHeads, layerNormEps: epsilon }: BertConfig,
) {
  const project = (name: string) => linear(scope.at('attention.self').at(name), hiddenSize, hiddenSize);
  const [toQ, toK, toV] = ['query', 'key', 'value'].map(project);
  const output = linear(scope.at('attention.output.dense'), hiddenSize, hiddenSize);
  const attentionNorm = layerNorm(scope.at('attention.output.LayerNorm'), hiddenSize, { epsilon });
  const expand = linear(scope.at('intermediate.dense'), hiddenSize, intermediateSize);
  const contract = linear(scope.at('output.dense'), intermediateSize, hiddenSize);
  const mlpNorm = layerNorm(scope.at('output.LayerNorm'), hiddenSize, { epsilon });
  return (x: Tensor): Tensor => {
    const [q, k, v] = [toQ, toK, toV].map((projection) => splitHeads(projection(x), numAttentionHeads));
    const attended = attentionNorm(add(x, output(mergeHeads(attend(q, k, v)))));
    return mlpNorm(add(attended, contract(gelu(expand(attended)))));
  };
}
