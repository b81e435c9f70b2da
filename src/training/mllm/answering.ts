/**
 * The loss of answers to questions about images, and the feeds of one step: what training and validation have in
 * common.
 */

import { type ChatRexConfig, imageTokenCount } from '../../chatrex/config.ts';
import { objectSpelling } from '../../chatrex/object-spelling.ts';
import { type ImageTexts, packTexts } from '../../chatrex/pack-texts.ts';
import { boxFeeds, pixelFeeds } from '../../chatrex/preprocess.ts';
import { chatRexTrainingGraph, type TrainingStart } from '../../chatrex/training-graph.ts';
import type { Region } from '../../datasets/sample.ts';
import { dialects } from '../../grounding/dialect.ts';
import { createRgbImage, type ImageSize, type RgbImage } from '../../image/rgb-image.ts';
import { createScope } from '../../nn/scope.ts';
import { type Chat, createChat } from '../../prompt/conversation.ts';
import type { Tokenizer } from '../../prompt/tokenizer/tokenizer.ts';
import type { Feeds } from '../../runtime/session.ts';
import { add } from '../../tensor/ops/add.ts';
import { multiply } from '../../tensor/ops/multiply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { adapterOf } from '../lora.ts';
import { accuracy, crossEntropy } from '../losses.ts';
import { answeringInAnyOrder, anyOrderFeeds } from './any-order.ts';
import type { MllmTraining } from './config.ts';
import type { ObjectList } from './object-list.ts';
import { createNameToken, objectNaming, objectNamingFeeds } from './object-naming.ts';

type AnsweringConfig = Pick<MllmTraining, 'model' | 'batchSize' | 'namingWeight' | 'lora'>;

/** Loss and metrics of a batch; parameters have the names that they have in a model folder. */
export function answeringGraph({ model, batchSize, namingWeight, lora }: AnsweringConfig, start: TrainingStart) {
  const scope = createScope(adapterOf(lora));
  const graph = chatRexTrainingGraph(scope, model, { batch: batchSize }, start);
  const naming = objectNaming(scope.at('naming'), graph.objectTokens, graph.words);
  const answering = (model.extensions?.setLists ? answeringInAnyOrder : answeringInOrder)(graph.logits, graph.labels);
  return {
    loss: add(answering.loss, multiply(naming.loss, namingWeight)),
    metrics: { answering: answering.loss, accuracy: answering.accuracy, category: naming.category },
  };
}

const answeringInOrder = (logits: Tensor, labels: Tensor) => ({
  loss: crossEntropy(logits, labels),
  accuracy: accuracy(logits, labels),
});

/** An image with its list of boxes and what is asked about it; or text alone. */
export interface Lesson {
  /** Null for text alone. */
  readonly image: RgbImage | null;
  /** Pixels of the original, which boxes are in; the image may have been made smaller while it was decoded. */
  readonly size: ImageSize;
  readonly regions: readonly Region[];
  readonly list: ObjectList;
  readonly texts: ImageTexts;
}

/** Feeds of `answeringGraph`, pixels apart. */
export type Questioner = (lessons: readonly Lesson[]) => Feeds;

/** The chat of a model's configuration. */
export const chatOf = ({ chatFormat: format, dialect, system }: ChatRexConfig, tokenizer: Tokenizer): Chat =>
  createChat(tokenizer, { format, dialect: dialects[dialect], system });

export function createQuestioner(model: ChatRexConfig, tokenizer: Tokenizer): Questioner {
  const { objects } = chatOf(model, tokenizer).vocabulary.ids;
  const tokenOf = createNameToken(tokenizer);
  return (lessons) => {
    const lists = lessons.map(({ list }) => list);
    const boxes = lists.map(({ boxesXyxy }) => boxesXyxy);
    const texts = lessons.map((lesson) => lesson.texts);
    const sizes = {
      imageTokens: imageTokenCount(model),
      boxes: Math.max(...boxes.map(({ length }) => length / 4)),
    };
    const packed = packTexts(texts, sizes);
    return {
      ...boxFeeds(
        lessons.map(({ size }) => size),
        boxes,
        model,
      ),
      ...objectNamingFeeds(
        lessons.map(({ regions }) => regions),
        lists,
        tokenOf,
      ),
      ...(model.extensions?.setLists && anyOrderFeeds(texts, objects)),
      ...packed,
      ...objectSpelling(model).extraFeeds(texts, sizes, packed),
    };
  };
}

/** Pixels of a batch; black where there is text alone, which nothing reads. */
export const imageFeeds = (lessons: readonly Pick<Lesson, 'image'>[], model: ChatRexConfig): Feeds => ({
  ...pixelFeeds(
    lessons.map(({ image }) => image ?? createRgbImage(8, 8)),
    model,
  ),
});
