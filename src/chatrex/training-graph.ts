/**
 * The whole differentiable graph, pixels to logits, for training (paper section 3.3).
 *
 * A sequence may hold several questions about one image behind a shared prefix: positions and mask, both inputs, say
 * what follows what, so that an image is encoded once for all of them. Logits are computed only where answers are.
 */

import { type Llama, llama } from '../language/llama.ts';
import type { Scope } from '../nn/scope.ts';
import { type Dim, multiplyDims } from '../tensor/dimension.ts';
import { add } from '../tensor/ops/add.ts';
import { concat } from '../tensor/ops/concat.ts';
import { constant } from '../tensor/ops/constant.ts';
import { expand } from '../tensor/ops/expand.ts';
import { gather } from '../tensor/ops/gather.ts';
import { input } from '../tensor/ops/input.ts';
import { matmul } from '../tensor/ops/matmul.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { reduceSum } from '../tensor/ops/reduce-sum.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import { scatterElementsAdd } from '../tensor/ops/scatter-elements-add.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type ChatRexConfig, imageTokenCount, languageConfig } from './config.ts';
import { chatRexVision } from './network.ts';
import { encodedInputs, visionInputs } from './vision-encoder.ts';

export interface TrainingGraph {
  /** What the model says at every place where an answer's token is due, [targets, vocabSize]. */
  readonly logits: Tensor;
  /** Input int64 [targets]: the tokens that are due, for the loss. */
  readonly labels: Tensor;
  /** Hidden states of all places after the last norm, [B, S, hiddenSize]. */
  readonly hidden: Tensor;
  readonly imageTokens: Tensor;
  /** What is in each box, [B, K, hiddenSize]. */
  readonly objectTokens: Tensor;
  /** Hidden states [..., hiddenSize] -> logits [..., vocabSize]. */
  readonly words: (hidden: Tensor) => Tensor;
}

/** Sizes that are known beforehand; the others are symbolic. */
export interface TrainingSizes {
  readonly batch?: Dim;
  /** Boxes per image. */
  readonly boxes?: Dim;
  /** Places per sequence. */
  readonly sequence?: Dim;
}

/** Where the graph of a step begins: at pixels, or behind the encoders, whose outputs are then fed. */
export type TrainingStart = 'pixels' | 'encoded';

/**
 * Inputs: those of `pixelFeeds` (or of `encodedInputs`), of `boxFeeds` and of `packTexts`, and, where objects carry their
 * index, those of `packObjects`.
 */
export function chatRexTrainingGraph(
  scope: Scope,
  config: ChatRexConfig,
  sizes: TrainingSizes = {},
  start: TrainingStart = 'pixels',
): TrainingGraph {
  const { batch = 'batch', boxes = 'boxes', sequence = 'sequence' } = sizes;
  const vision = chatRexVision(scope, config);
  const { pixelsLow, pixelsHigh, objects } = visionInputs(config, { batch, boxes });
  const image = start === 'pixels' ? vision.encode(pixelsLow, pixelsHigh) : encodedInputs(config, batch);
  const imageTokens = vision.imageTokens(image);
  const { content, read, choice } = vision.objectTokens(image, objects);
  const { hiddenSize, vocabSize } = languageConfig(config);
  const language: Llama = llama(scope, languageConfig(config));
  // The embeddings of the batch's own tokens: a table as long as the vocabulary would be copied in every step.
  const words = language.embed(input('words', 'int64', ['words']));
  const imageRows = reshape(imageTokens, [multiplyDims(batch, imageTokenCount(config)), hiddenSize]);
  const objectRows = reshape(read, [multiplyDims(batch, boxes), hiddenSize]);
  const rows = concat([words, imageRows, objectRows], 0);
  const own = gather(rows, input('slots', 'int64', [batch, sequence]), { axis: 0 });
  const extra = (rows: Tensor, places: string) =>
    gather(withNothing(rows, hiddenSize), input(places, 'int64', [batch, sequence]), { axis: 0 });
  const embeddings = config.objectsCarryIndex
    ? add(add(own, extra(words, 'indices')), extra(objectRows, 'mentions'))
    : own;
  const hidden = language.forward(embeddings, {
    positions: input('positions', 'int64', [batch, sequence]),
    mask: input('mask', 'float32', [batch, 1, sequence, sequence]),
  });
  const places = reshape(hidden, [multiplyDims(batch, sequence), hiddenSize]);
  const due = gather(places, input('targets', 'int64', ['targets']), { axis: 0 });
  const labels = input('labels', 'int64', ['targets']);
  const logits = config.objectsCarryIndex
    ? add(language.logits(due), objectScores(due, choice, vocabSize))
    : language.logits(due);
  return { logits, labels, hidden, imageTokens, objectTokens: content, words: language.logits };
}

/**
 * What each place says of the objects of its own image, at their index tokens.
 * @param due [N, hiddenSize]
 * @param choice [B, K, hiddenSize]
 * @returns [N, vocabSize]
 */
function objectScores(due: Tensor, choice: Tensor, vocabSize: number): Tensor {
  const [places] = due.shape;
  const [batch, boxes, hiddenSize] = choice.shape;
  const rows = reshape(choice, [multiplyDims(batch, boxes), hiddenSize]);
  const all = reshape(matmul(due, rows, { transposeB: true }), [places, batch, boxes]);
  // Of the images only the place's own is left: [N, B, K] -> [N, K]
  const own = reduceSum(multiply(all, input('own objects', 'float32', [places, batch, boxes])), { axes: [1] });
  return atTokens(own, input('object ids', 'int64', [boxes]), vocabSize);
}

/** Rows with one more that adds nothing. */
const withNothing = (rows: Tensor, width: number): Tensor =>
  concat([rows, constant('float32', [1, width], new Float32Array(width))], 0);

/** values [N, K] of the tokens `ids` int64 [K] -> [N, vocabSize], zero at all others. */
export const atTokens = (values: Tensor, ids: Tensor, vocabSize: number): Tensor =>
  scatterElementsAdd(values, expand(ids, values.shape), { axis: 1, size: vocabSize });
