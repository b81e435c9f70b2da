/**
 * Training of the multimodal model (paper section 5): `align` leaves both image encoders as they are and teaches what joins
 * them with words; `instruct` trains everything. Both read the same samples.
 */

import { type ChatRexConfig, languageConfig, proposalsOf } from '../../chatrex/config.ts';
import { ChatRexError } from '../../errors.ts';
import { maxObjects } from '../../grounding/dialect.ts';
import { createRandom } from '../../random.ts';
import type { Feeds } from '../../runtime/session.ts';
import { graphOf } from '../../tensor/graph.ts';
import type { Scene } from '../../world/scene.ts';
import { type EncodedScenes, encoderGraph, openFeatureCache } from '../data/feature-cache.ts';
import { openProposalCache } from '../data/proposal-cache.ts';
import { openTrainingScenes, trainingScenes } from '../data/scene-cache.ts';
import { validationScenes } from '../data/validation-scenes.ts';
import type { InitialWeights } from '../initial-weights.ts';
import type { PartedSettings, Stage, StageContext } from '../run.ts';
import { answeringGraph, createQuestioner, imageFeeds } from './answering.ts';
import { objectList, randomProposals } from './object-list.ts';
import { type Curriculum, lessonAt } from './texts.ts';
import { runTokenizer } from './tokenizer.ts';
import { validateMllm } from './validate.ts';

export interface MllmTraining extends PartedSettings, Curriculum {
  readonly model: ChatRexConfig;
  readonly batchSize: number;
  readonly scenes: number;
  /** Tokens of questions and answers per image. */
  readonly room: number;
  /** Most random boxes in the object list beside the objects, where no proposal network finds them. */
  readonly proposals: number;
  /** Share of images in which objects are shown by the proposals that found them. */
  readonly foundShare: number;
  /** Weight of the loss by which object tokens say their category to the vocabulary. */
  readonly namingWeight: number;
  /** Corners of objects are moved by up to this share of their box. */
  readonly boxJitter: number;
  /** Whether the image encoders learn too; otherwise every scene is encoded once, before the first step. */
  readonly encodersLearn: boolean;
  /** Scenes of the validation split, in held-out wordings, that figures are taken on while it trains. */
  readonly validationScenes: number;
}

/** Its parameters have the names that they have in a model folder. */
export async function openMllmStage(
  name: 'align' | 'instruct',
  config: MllmTraining,
  { folder, cacheFolder, proposer, initial }: StageContext,
  onStatus?: (text: string) => void,
): Promise<Stage<Feeds>> {
  const { model, batchSize, seed } = config;
  const encoders = config.encodersLearn ? undefined : initial;
  if (!config.encodersLearn && !encoders) {
    throw new ChatRexError(
      'invalid-argument',
      'encoders that do not learn must come from a run; give one with --vision',
    );
  }
  const graph = answeringGraph(config, encoders ? 'encoded' : 'pixels');
  const cache = await openTrainingScenes(cacheFolder, config, onStatus);
  const found =
    proposer === undefined
      ? undefined
      : await openProposalCache(
          ...trainingScenes(cacheFolder, config),
          { model: proposer, proposals: proposalsOf(model) },
          (done, total) => onStatus?.(`finding boxes ${done}/${total}`),
        );
  const encoded = encoders && (await encodeScenes(config, cacheFolder, encoders, onStatus));
  const tokenizer = await runTokenizer(folder, cache, languageConfig(model).vocabSize);
  const ask = createQuestioner(config, tokenizer);
  const mostOverlap = proposalsOf(model).nmsIou;
  let heldOut: Promise<Scene[]> | undefined;
  return {
    name,
    settings: config,
    ...graph,
    unread: encoded && [...graphOf(encoderGraph(model)).parameters.values()],
    makeBatch: async (step, part) => {
      const random = createRandom(`${name}/${seed}/${step}/${part}`);
      const scenes = await cache.draw(batchSize, random);
      const lists = scenes.map((scene) => {
        const isFound = found !== undefined && random.chance(config.foundShare);
        const proposals =
          found?.(scene.key.index).subarray(0, 4 * random.int(0, maxObjects)) ??
          randomProposals(scene, random.int(0, config.proposals), random);
        return objectList(scene, proposals, { jitter: config.boxJitter, isFound, mostOverlap, random });
      });
      return {
        ...((await encoded?.feeds(scenes.map(({ key }) => key.index))) ?? imageFeeds(scenes, model)),
        ...ask(scenes, lists, lessonAt(config, step), step),
      };
    },
    run: async (session, feeds) => ({ ...(await session.accumulate(feeds)), sequenceTokens: feeds.slots.data.length }),
    validate: async (parameters) => {
      heldOut ??= validationScenes(seed, config.validationScenes);
      return validateMllm(config, ask, parameters, await heldOut);
    },
    close: async () => {
      await cache.close();
      await encoded?.close();
    },
  };
}

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
