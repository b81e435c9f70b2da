/**
 * Training of the multimodal model (paper section 5): `align` leaves both image encoders as they are and teaches what joins
 * them with words; `instruct` trains everything. Both read the same samples; what is frozen is a set of parameter names.
 */

import { join } from 'node:path';
import type { ChatRexConfig } from '../../chatrex/config.ts';
import { imageTokenCount, languageConfig } from '../../chatrex/config.ts';
import { packTexts } from '../../chatrex/pack-texts.ts';
import { boxFeeds, pixelFeeds } from '../../chatrex/preprocess.ts';
import { chatRexTrainingGraph } from '../../chatrex/training-graph.ts';
import { createScope } from '../../nn/scope.ts';
import { createChat } from '../../prompt/conversation.ts';
import { dialects } from '../../prompt/special-tokens.ts';
import { createRandom } from '../../random.ts';
import type { HostTensor } from '../../runtime/host-tensor.ts';
import { openSceneCache } from '../data/scene-cache.ts';
import { type InitialWeights, loadInitial } from '../initial-weights.ts';
import { accuracy, crossEntropy } from '../losses.ts';
import type { ParameterSet } from '../parameters.ts';
import { runFeeds, runStage, type StageOptions, type StageSettings } from '../stage.ts';
import { objectList, randomProposals } from './object-list.ts';
import { pictureTexts, type TaskMixture } from './texts.ts';
import { runTokenizer } from './tokenizer.ts';

export interface MllmTraining extends StageSettings {
  readonly model: ChatRexConfig;
  readonly batchSize: number;
  readonly scenes: number;
  readonly mixture: TaskMixture;
  /** Tokens of questions and answers per picture. */
  readonly room: number;
  /** Most proposals in the object list beside the objects. */
  readonly proposals: number;
  /** Corners of objects are moved by up to this share of their box. */
  readonly boxJitter: number;
  /** Beginnings of the names of parameters that do not learn. */
  readonly frozen: readonly string[];
}

export interface MllmStageOptions extends StageOptions {
  /** Weights to start from; every parameter that a `to` begins must be there. */
  readonly initial: readonly InitialWeights[];
}

/** @returns parameters by their names in a model folder */
export async function trainMllm(
  name: 'align' | 'instruct',
  config: MllmTraining,
  cacheFolder: string,
  options: MllmStageOptions,
): Promise<{ parameters: ParameterSet; isComplete: boolean }> {
  const { model, batchSize, seed } = config;
  const graph = chatRexTrainingGraph(createScope(), model, { batch: batchSize });
  const cache = await openSceneCache(
    join(cacheFolder, 'scenes'),
    { split: 'train', seed, count: config.scenes },
    (done, total) => options.onStatus?.(`rendering scenes ${done}/${total}`),
  );
  const tokenizer = await runTokenizer(options.folder, cache, languageConfig(model).vocabSize);
  const chat = createChat(tokenizer, {
    format: model.chatFormat,
    dialect: dialects[model.dialect],
    system: model.system,
  });
  const sizes = { vocabSize: languageConfig(model).vocabSize, imageTokens: imageTokenCount(model) };
  try {
    return await runStage(
      {
        name,
        settings: config,
        loss: crossEntropy(graph.logits, graph.labels),
        metrics: { accuracy: accuracy(graph.logits, graph.labels) },
        isTrainable: (parameter) => !config.frozen.some((prefix) => parameter.startsWith(prefix)),
        initial: (parameters) => loadInitial(options.initial, parameters),
        makeBatch: async (step): Promise<Record<string, HostTensor>> => {
          const random = createRandom(`${name}/${seed}/${step}`);
          const picks = Array.from({ length: batchSize }, () => random.int(0, cache.count - 1));
          const scenes = await Promise.all(picks.map((index) => cache.scene(index)));
          const lists = scenes.map((scene) => {
            const proposals = randomProposals(scene, random.int(0, config.proposals), random);
            return objectList(scene, proposals, config.boxJitter, random);
          });
          const boxes = lists.map(({ boxesXyxy }) => boxesXyxy);
          const pictures = scenes.map((scene, i) =>
            pictureTexts(scene, lists[i], chat, { mixture: config.mixture, room: config.room, epoch: step }),
          );
          const images = scenes.map(({ image }) => image);
          return {
            ...pixelFeeds(images, model),
            ...boxFeeds(images, boxes, model),
            ...packTexts(pictures, { ...sizes, boxes: Math.max(...boxes.map(({ length }) => length / 4)) }),
          };
        },
        run: runFeeds,
      },
      options,
    );
  } finally {
    await cache.close();
  }
}
