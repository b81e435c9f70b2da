/** Vision pre-training as a stage: both encoders in one graph learn to name what is annotated. */

import type { Mixture } from '../../datasets/mixture-spec.ts';
import { ChatRexError } from '../../errors.ts';
import { createScope } from '../../nn/scope.ts';
import type { Feeds } from '../../runtime/session.ts';
import { datasetOf, openMixture, positionsOf } from '../mixture.ts';
import { type PartedSettings, runFeeds, type Stage, type StageContext } from '../run.ts';
import { type ReadSource, type VisionStageConfig, visionBatch, visionStageGraph } from './graph.ts';
import type { Names } from './naming.ts';

export interface VisionTraining extends PartedSettings {
  readonly vision: VisionStageConfig;
  readonly data: Mixture;
}

/** Its parameters begin with `high.`, `low.` and `head.`; the first two are what later stages start from. */
export async function openVisionStage(config: VisionTraining, context: StageContext): Promise<Stage<Feeds>> {
  const { seed, vision, parts } = config;
  const mixture = await openMixture(config.data, seed, context);
  const names: Names = {
    categories: [...new Set(mixture.parts.flatMap(({ dataset }) => dataset.vocabulary.map(({ name }) => name)))],
    attributes: Object.assign({}, ...mixture.parts.map(({ dataset }) => dataset.attributes ?? {})),
  };
  if (names.categories.length === 0) {
    await mixture.close();
    throw new ChatRexError('invalid-argument', 'train vision: the data has no category names; give data with names');
  }
  const read: ReadSource = async (position) => {
    const draw = mixture.order(position);
    const dataset = datasetOf(mixture, draw);
    try {
      const [{ regions }, image] = await Promise.all([dataset.sample(draw.index), dataset.image(draw.index)]);
      return { image, regions: regions.filter(({ isIgnored }) => !isIgnored) };
    } catch (error) {
      if (error instanceof ChatRexError) return null;
      throw error;
    }
  };
  return {
    name: 'vision',
    settings: config,
    fingerprint: mixture.fingerprint,
    graphs: [visionStageGraph(createScope(), vision, names)],
    makeBatch: (step, part) => {
      const positions = positionsOf(step, part, { parts, batchSize: vision.batchSize });
      return visionBatch(read, vision, positions, `vision/${seed}/${step}/${part}`, names);
    },
    run: runFeeds,
    close: () => mixture.close(),
  };
}
