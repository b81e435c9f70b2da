/**
 * Region classification: the name of a given box, in free words, must be its category's (paper section 5, region
 * tasks).
 */

import { share } from '../../evaluation/figures.ts';
import { normalizePhrase } from '../../evaluation/metrics/normalize-phrase.ts';
import { captionRegion } from '../tasks/region-caption.ts';
import type { Measure } from './measure.ts';
import type { Looked } from './scene-view.ts';
import { ask, placed, taskRandom } from './scene-view.ts';

/** Needs boxes of which it is known whose they are. */
export const regionCategory: Measure<Looked, { readonly truth: string }, { readonly predicted: string }> = {
  questions: async ({ scene, indexOf, phrasings, questions, askOptions }) => {
    const random = taskRandom(scene, 'region-category');
    const chosen = random.shuffle([...scene.objects.keys()]).slice(0, questions);
    return chosen.map((object) => {
      const { turns } = captionRegion({ scene, random, phrasings }, object, 'category')!;
      const question = placed(turns[0].question, indexOf!);
      return {
        truth: { truth: scene.objects[object].category.name },
        ask: async (image) => ({ predicted: (await ask(image, question, askOptions)).text }),
      };
    });
  },
  nothing: { predicted: '' },
  score: (rows) => ({
    accuracy: share(rows, ({ truth, predicted }) => normalizePhrase(truth) === normalizePhrase(predicted)),
  }),
};
