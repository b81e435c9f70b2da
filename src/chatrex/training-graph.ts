/**
 * The whole differentiable graph, pixels to logits, for training (paper section 3.3).
 *
 * A sequence may hold several questions about one image behind a shared prefix: positions and mask, both inputs, say
 * what follows what, so that an image is encoded once for all of them. Logits are computed only where answers are.
 */

import { type Llama, llama } from '../language/llama.ts';
import type { Scope } from '../nn/scope.ts';
import { type Dim, multiplyDims } from '../tensor/dimension.ts';
import { concat } from '../tensor/ops/concat.ts';
import { gather } from '../tensor/ops/gather.ts';
import { input } from '../tensor/ops/input.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type ChatRexConfig, imageTokenCount, languageConfig } from './config.ts';
import { chatRexVision } from './network.ts';
import { objectSpelling } from './object-spelling.ts';
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
 * Inputs: those of `pixelFeeds` (or of `encodedInputs`), of `boxFeeds` and of `packTexts`, and, where objects are tied,
 * those of `packObjects`.
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
  const { hiddenSize } = languageConfig(config);
  const spelling = objectSpelling(config);
  const language: Llama = llama(scope, languageConfig(config));
  // The embeddings of the batch's own tokens: a table as long as the vocabulary would be copied in every step.
  const words = language.embed(input('words', 'int64', ['words']));
  const imageRows = reshape(imageTokens, [multiplyDims(batch, imageTokenCount(config)), hiddenSize]);
  const objectRows = reshape(read, [multiplyDims(batch, boxes), hiddenSize]);
  const rows = concat([words, imageRows, objectRows], 0);
  const own = gather(rows, input('slots', 'int64', [batch, sequence]), { axis: 0 });
  const embeddings = spelling.trainingEmbeddings(own, words, read);
  const hidden = language.forward(embeddings, {
    positions: input('positions', 'int64', [batch, sequence]),
    mask: input('mask', 'float32', [batch, 1, sequence, sequence]),
  });
  const places = reshape(hidden, [multiplyDims(batch, sequence), hiddenSize]);
  const due = gather(places, input('targets', 'int64', ['targets']), { axis: 0 });
  const labels = input('labels', 'int64', ['targets']);
  const logits = spelling.trainingLogits(language.logits(due), due, choice);
  return { logits, labels, hidden, imageTokens, objectTokens: content, words: language.logits };
}
