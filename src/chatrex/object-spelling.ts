/**
 * How objects are spelt to the language model, in use and in training: as the paper does, or tied to their indices
 * (docs/extensions.md). Chosen once, by the configuration.
 */

import type { LanguageModel, Lexicon } from '../language/language-model.ts';
import type { PromptSegment } from '../prompt/conversation.ts';
import type { HostTensor } from '../runtime/host-tensor.ts';
import type { Feeds } from '../runtime/session.ts';
import { type Dim, multiplyDims } from '../tensor/dimension.ts';
import { add } from '../tensor/ops/add.ts';
import { concat } from '../tensor/ops/concat.ts';
import { constant } from '../tensor/ops/constant.ts';
import { gather } from '../tensor/ops/gather.ts';
import { input } from '../tensor/ops/input.ts';
import { matmul } from '../tensor/ops/matmul.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { reduceSum } from '../tensor/ops/reduce-sum.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { atTokens } from './at-tokens.ts';
import type { ChatRexConfig } from './config.ts';
import { packObjects } from './pack-objects.ts';
import type { ImageTexts, PackSizes, TextFeeds } from './pack-texts.ts';
import { embedPrefix, objectLexicon } from './prefix.ts';
import type { SeenTokens } from './vision-encoder.ts';

export interface ObjectSpelling {
  /** Embeddings of everything before the first question, float32 [tokens, hiddenSize]. */
  embedPrefix(
    segments: readonly PromptSegment[],
    seen: SeenTokens,
    language: LanguageModel,
  ): Promise<HostTensor<'float32'>>;
  /** What tokens mean in a conversation about the image; undefined where they mean what they always do. */
  lexicon(segments: readonly PromptSegment[], seen: SeenTokens, language: LanguageModel): Lexicon | undefined;
  /**
   * Embeddings of packed sequences, from those of `packTexts`' slots.
   * @param own [B, S, hiddenSize]
   * @param words [W, hiddenSize]
   * @param objects as they are read, [B, K, hiddenSize]
   */
  trainingEmbeddings(own: Tensor, words: Tensor, objects: Tensor): Tensor;
  /**
   * @param logits [N, vocabSize]
   * @param due hidden states where a token is due, [N, hiddenSize]
   * @param choice objects as they are chosen, [B, K, hiddenSize]
   */
  trainingLogits(logits: Tensor, due: Tensor, choice: Tensor): Tensor;
  /** Feeds that the two above read beside those of `packTexts`. */
  extraFeeds(images: readonly ImageTexts[], sizes: PackSizes, packed: TextFeeds): Feeds;
}

export const objectSpelling = ({ extensions }: Pick<ChatRexConfig, 'extensions'>): ObjectSpelling =>
  extensions?.tiedObjects ? tied : paper;

/** The paper's: an object's token follows its index token; an index alone is a word like any other. */
const paper: ObjectSpelling = {
  embedPrefix: (segments, seen, language) => embedPrefix(segments, seen, language, false),
  lexicon: () => undefined,
  trainingEmbeddings: (own) => own,
  trainingLogits: (logits) => logits,
  extraFeeds: () => ({}),
};

/** An object and its index are one embedding, wherever either is read or may be written. */
const tied: ObjectSpelling = {
  embedPrefix: (segments, seen, language) => embedPrefix(segments, seen, language, true),
  lexicon: objectLexicon,
  trainingEmbeddings: (own, words, objects) => {
    const [batch, boxes, hiddenSize] = objects.shape;
    const rows = reshape(objects, [multiplyDims(batch, boxes), hiddenSize]);
    return add(add(own, rowsAt(words, 'indices', own.shape)), rowsAt(rows, 'mentions', own.shape));
  },
  trainingLogits: (logits, due, choice) => add(logits, objectScores(due, choice, Number(logits.shape[1]))),
  extraFeeds: (images, sizes, packed) => ({ ...packObjects(images, sizes, packed) }),
};

/** The rows [R, hiddenSize] that the input `name` picks for each place; the one after the last is zeros. */
function rowsAt(rows: Tensor, name: string, [batch, sequence, hiddenSize]: readonly Dim[]): Tensor {
  const width = Number(hiddenSize);
  const nothing = constant('float32', [1, width], new Float32Array(width));
  return gather(concat([rows, nothing], 0), input(name, 'int64', [batch, sequence]), { axis: 0 });
}

/** What each place says of the objects of its own image, at their index tokens: [N, vocabSize]. */
function objectScores(due: Tensor, choice: Tensor, vocabSize: number): Tensor {
  const [places] = due.shape;
  const [batch, boxes, hiddenSize] = choice.shape;
  const rows = reshape(choice, [multiplyDims(batch, boxes), hiddenSize]);
  const all = reshape(matmul(due, rows, { transposeB: true }), [places, batch, boxes]);
  // Of the images only the place's own is left: [N, B, K] -> [N, K]
  const own = reduceSum(multiply(all, input('own objects', 'float32', [places, batch, boxes])), { axes: [1] });
  return atTokens(own, input('object ids', 'int64', [boxes]), vocabSize);
}
