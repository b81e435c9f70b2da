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
import { gather } from '../tensor/ops/gather.ts';
import { input } from '../tensor/ops/input.ts';
import { matmul } from '../tensor/ops/matmul.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { range } from '../tensor/ops/range.ts';
import { reshape } from '../tensor/ops/reshape.ts';
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
 * Inputs: those of `pixelFeeds` (or of `encodedInputs`) and `boxFeeds`, and `slots`, `indices`, `mentions`, `positions`, `mask`, `targets`, `labels`,
 * `own objects`, `object tokens` of `packTexts`.
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
  const words = language.embed(range(vocabSize));
  const imageRows = reshape(imageTokens, [multiplyDims(batch, imageTokenCount(config)), hiddenSize]);
  const [objectRows, choiceRows] = [read, choice].map((tokens) =>
    reshape(tokens, [multiplyDims(batch, boxes), hiddenSize]),
  );
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
    ? add(language.logits(due), objectScores(due, choiceRows, vocabSize))
    : language.logits(due);
  return { logits, labels, hidden, imageTokens, objectTokens: content, words: language.logits };
}

/** What each place says of the objects of its own image, at their index tokens: [N, vocabSize]. */
function objectScores(due: Tensor, choiceRows: Tensor, vocabSize: number): Tensor {
  const [places] = due.shape;
  const [objects] = choiceRows.shape;
  const own = input('own objects', 'float32', [places, objects]);
  const tokens = input('object tokens', 'float32', [objects, vocabSize]);
  return matmul(multiply(matmul(due, choiceRows, { transposeB: true }), own), tokens);
}

/** Rows with one more that adds nothing. */
const withNothing = (rows: Tensor, width: number): Tensor =>
  concat([rows, constant('float32', [1, width], new Float32Array(width))], 0);
