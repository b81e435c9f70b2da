/** Held-out figures while the multimodal model trains: what it says of unseen scenes in unseen wordings, the answer so far given. */

import { proposalsOf } from '../../chatrex/config.ts';
import { createRandom } from '../../random.ts';
import { Session } from '../../runtime/session.ts';
import type { Scene } from '../../world/scene.ts';
import type { Metrics } from '../loop.ts';
import { type ParameterSet, storedParameters } from '../parameters.ts';
import { answeringGraph, imageFeeds, type Questioner } from './answering.ts';
import { objectList, randomProposals } from './object-list.ts';
import type { MllmTraining } from './stage.ts';

/**
 * Objects are shown by their true boxes among random others; every call asks the same questions.
 * @returns means over the scenes of the metrics of training
 */
export async function validateMllm(
  config: MllmTraining,
  ask: Questioner,
  parameters: ParameterSet,
  scenes: readonly Scene[],
): Promise<Metrics> {
  const { model, mixture, proposals } = config;
  const { metrics } = answeringGraph({ ...config, batchSize: 1 }, 'pixels');
  const session = await Session.create(metrics, storedParameters(parameters));
  const means = { answering: 0, accuracy: 0, category: 0 };
  try {
    for (const scene of scenes) {
      const random = createRandom(`validate/${scene.key.index}`);
      const others = randomProposals(scene, proposals, random);
      const list = objectList(scene, others, {
        jitter: 0,
        isFound: false,
        mostOverlap: proposalsOf(model).nmsIou,
        random,
      });
      const found = await session.run({ ...imageFeeds([scene], model), ...ask([scene], [list], { mixture }, 0) });
      for (const name of ['answering', 'accuracy', 'category'] as const)
        means[name] += Number(found[name].data[0]) / scenes.length;
    }
  } finally {
    await session.dispose();
  }
  return means;
}
