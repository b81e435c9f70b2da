/** The loss of answers to questions about images, and the feeds of one step: what training and validation have in common. */

import { type ChatRexConfig, imageTokenCount } from '../../chatrex/config.ts';
import { packObjects } from '../../chatrex/pack-objects.ts';
import { packTexts } from '../../chatrex/pack-texts.ts';
import { boxFeeds, pixelFeeds } from '../../chatrex/preprocess.ts';
import { chatRexTrainingGraph, type TrainingStart } from '../../chatrex/training-graph.ts';
import { dialects } from '../../grounding/dialect.ts';
import { createScope } from '../../nn/scope.ts';
import { createChat } from '../../prompt/conversation.ts';
import type { Tokenizer } from '../../prompt/tokenizer/tokenizer.ts';
import type { Feeds } from '../../runtime/session.ts';
import { add } from '../../tensor/ops/add.ts';
import { multiply } from '../../tensor/ops/multiply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Scene } from '../../world/scene.ts';
import { accuracy, crossEntropy } from '../losses.ts';
import { answeringInAnyOrder, anyOrderFeeds } from './any-order.ts';
import type { ObjectList } from './object-list.ts';
import { nameTokens, objectNaming, objectNamingFeeds } from './object-naming.ts';
import type { MllmTraining } from './stage.ts';
import { imageTexts, type Questions } from './texts.ts';

type AnsweringConfig = Pick<MllmTraining, 'model' | 'batchSize' | 'namingWeight'>;

/** Loss and metrics of a batch; parameters have the names that they have in a model folder. */
export function answeringGraph({ model, batchSize, namingWeight }: AnsweringConfig, start: TrainingStart) {
  const scope = createScope();
  const graph = chatRexTrainingGraph(scope, model, { batch: batchSize }, start);
  const naming = objectNaming(scope.at('naming'), graph.objectTokens, graph.words);
  const answering = (model.listsInAnyOrder ? answeringInAnyOrder : answeringInOrder)(graph.logits, graph.labels);
  return {
    loss: add(answering.loss, multiply(naming.loss, namingWeight)),
    metrics: { answering: answering.loss, accuracy: answering.accuracy, category: naming.category },
  };
}

const answeringInOrder = (logits: Tensor, labels: Tensor) => ({
  loss: crossEntropy(logits, labels),
  accuracy: accuracy(logits, labels),
});

/**
 * Feeds of `answeringGraph`, images apart.
 * @param lists of boxes, one a scene
 * @param epoch other questions about the same scenes
 */
export type Questioner = (
  scenes: readonly Scene[],
  lists: readonly ObjectList[],
  questions: Questions,
  epoch: number,
) => Feeds;

export function createQuestioner(
  { model, room }: Pick<MllmTraining, 'model' | 'room'>,
  tokenizer: Tokenizer,
): Questioner {
  const { listsInAnyOrder, chatFormat: format, dialect, system } = model;
  const chat = createChat(tokenizer, { format, dialect: dialects[dialect], system });
  const names = nameTokens(tokenizer);
  return (scenes, lists, questions, epoch) => {
    const boxes = lists.map(({ boxesXyxy }) => boxesXyxy);
    const images = scenes.map((scene, i) =>
      imageTexts(scene, lists[i], chat, { ...questions, listsInAnyOrder, room, epoch }),
    );
    const sizes = {
      imageTokens: imageTokenCount(model),
      boxes: Math.max(...boxes.map(({ length }) => length / 4)),
    };
    const packed = packTexts(images, sizes);
    return {
      ...boxFeeds(
        scenes.map(({ image }) => image),
        boxes,
        model,
      ),
      ...objectNamingFeeds(scenes, lists, names),
      ...(listsInAnyOrder && anyOrderFeeds(images, chat.vocabulary.ids.objects)),
      ...packed,
      ...(model.objectsCarryIndex && packObjects(images, sizes, packed)),
    };
  };
}

export const imageFeeds = (scenes: readonly Scene[], model: ChatRexConfig): Feeds => ({
  ...pixelFeeds(
    scenes.map(({ image }) => image),
    model,
  ),
});
