/**
 * Training of the multimodal model (paper section 5): `align` leaves both image encoders as they are and teaches what joins
 * them with words; `instruct` trains everything. Both read the same samples.
 */

import type { ChatRexConfig } from '../../chatrex/config.ts';
import { imageTokenCount, languageConfig } from '../../chatrex/config.ts';
import { packTexts } from '../../chatrex/pack-texts.ts';
import { boxFeeds, pixelFeeds } from '../../chatrex/preprocess.ts';
import { chatRexTrainingGraph } from '../../chatrex/training-graph.ts';
import { ChatRexError } from '../../errors.ts';
import { createScope } from '../../nn/scope.ts';
import { createChat } from '../../prompt/conversation.ts';
import { dialects, maxObjects } from '../../prompt/special-tokens.ts';
import { createRandom } from '../../random.ts';
import type { Feeds } from '../../runtime/session.ts';
import { graphOf } from '../../tensor/graph.ts';
import { add } from '../../tensor/ops/add.ts';
import { multiply } from '../../tensor/ops/multiply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { type EncodedScenes, encoderGraph, openFeatureCache } from '../data/feature-cache.ts';
import { openProposalCache } from '../data/proposal-cache.ts';
import { openTrainingScenes, trainingScenes } from '../data/scene-cache.ts';
import type { InitialWeights } from '../initial-weights.ts';
import { accuracy, crossEntropy } from '../losses.ts';
import { type PartedSettings, runFeeds, type Stage, type StageContext } from '../stage.ts';
import { answeringInAnyOrder, anyOrderFeeds } from './any-order.ts';
import { objectList, randomProposals } from './object-list.ts';
import { nameTokens, objectNaming, objectNamingFeeds } from './object-naming.ts';
import { type Curriculum, lessonAt, pictureTexts } from './texts.ts';
import { runTokenizer } from './tokenizer.ts';

export interface MllmTraining extends PartedSettings, Curriculum {
  readonly model: ChatRexConfig;
  readonly batchSize: number;
  readonly scenes: number;
  /** Tokens of questions and answers per picture. */
  readonly room: number;
  /** Most random boxes in the object list beside the objects, where no proposal network finds them. */
  readonly proposals: number;
  /** Share of pictures in which objects are shown by the proposals that found them. */
  readonly foundShare: number;
  /** Weight of the loss by which object tokens say their category to the vocabulary. */
  readonly namingWeight: number;
  /** Corners of objects are moved by up to this share of their box. */
  readonly boxJitter: number;
  /** Whether the image encoders learn too; otherwise every scene is encoded once, before the first step. */
  readonly encodersLearn: boolean;
}

/** Its parameters have the names that they have in a model folder. */
export async function openMllmStage(
  name: 'align' | 'instruct',
  config: MllmTraining,
  { folder, cacheFolder, proposer, initial }: StageContext,
  onStatus?: (text: string) => void,
): Promise<Stage<Feeds>> {
  const { model, batchSize, seed } = config;
  const scope = createScope();
  const encoders = config.encodersLearn ? undefined : initial;
  if (!config.encodersLearn && !encoders) {
    throw new ChatRexError(
      'invalid-argument',
      'encoders that do not learn must come from a run; give one with --vision',
    );
  }
  const graph = chatRexTrainingGraph(scope, model, { batch: batchSize }, encoders ? 'encoded' : 'pixels');
  const cache = await openTrainingScenes(cacheFolder, config, onStatus);
  const found =
    proposer === undefined
      ? undefined
      : await openProposalCache(...trainingScenes(cacheFolder, config), proposer, (done, total) =>
          onStatus?.(`finding boxes ${done}/${total}`),
        );
  const encoded = encoders && (await encodeScenes(config, cacheFolder, encoders, onStatus));
  const { vocabSize } = languageConfig(model);
  const naming = objectNaming(scope.at('naming'), graph.objectTokens, graph.words);
  const tokenizer = await runTokenizer(folder, cache, vocabSize);
  const names = nameTokens(tokenizer);
  const chat = createChat(tokenizer, {
    format: model.chatFormat,
    dialect: dialects[model.dialect],
    system: model.system,
  });
  const { listsInAnyOrder } = model;
  const answering = (listsInAnyOrder ? answeringInAnyOrder : answeringInOrder)(graph.logits, graph.labels);
  const objectIds = new Set(chat.vocabulary.ids.objects);
  return {
    name,
    settings: config,
    loss: add(answering.loss, multiply(naming.loss, config.namingWeight)),
    metrics: { answering: answering.loss, accuracy: answering.accuracy, category: naming.category },
    unread: encoded && [...graphOf(encoderGraph(model)).parameters.values()],
    makeBatch: async (step, part) => {
      const random = createRandom(`${name}/${seed}/${step}/${part}`);
      const scenes = await cache.draw(batchSize, random);
      const lists = scenes.map((scene) => {
        const isFound = found !== undefined && random.chance(config.foundShare);
        const proposals =
          found?.(scene.key.index).subarray(0, 4 * random.int(0, maxObjects)) ??
          randomProposals(scene, random.int(0, config.proposals), random);
        return objectList(scene, proposals, { jitter: config.boxJitter, isFound, random });
      });
      const boxes = lists.map(({ boxesXyxy }) => boxesXyxy);
      const pictures = scenes.map((scene, i) =>
        pictureTexts(scene, lists[i], chat, {
          ...lessonAt(config, step),
          listsInAnyOrder,
          room: config.room,
          epoch: step,
        }),
      );
      const images = scenes.map(({ image }) => image);
      return {
        ...((await encoded?.feeds(scenes.map(({ key }) => key.index))) ?? pixelFeeds(images, model)),
        ...boxFeeds(images, boxes, model),
        ...objectNamingFeeds(scenes, lists, names),
        ...(listsInAnyOrder && anyOrderFeeds(pictures, objectIds, vocabSize)),
        ...packTexts(pictures, {
          vocabSize,
          imageTokens: imageTokenCount(model),
          boxes: Math.max(...boxes.map(({ length }) => length / 4)),
        }),
      };
    },
    run: runFeeds,
    close: async () => {
      await cache.close();
      await encoded?.close();
    },
  };
}

const answeringInOrder = (logits: Tensor, labels: Tensor) => ({
  loss: crossEntropy(logits, labels),
  accuracy: accuracy(logits, labels),
});

function encodeScenes(
  config: MllmTraining,
  cacheFolder: string,
  initial: readonly InitialWeights[],
  onStatus?: (text: string) => void,
): Promise<EncodedScenes> {
  const [folder, key] = trainingScenes(cacheFolder, config);
  return openFeatureCache({ folder, key, model: config.model, weights: initial }, (done, total) =>
    onStatus?.(`encoding scenes ${done}/${total}`),
  );
}
