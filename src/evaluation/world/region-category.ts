/** Region classification: the name of a given box, in free words, must be its category's (paper section 5, region tasks). */

import { captionRegion } from '../../world/tasks/region-caption.ts';
import { normalizePhrase } from '../metrics/normalize-phrase.ts';
import { type Measure, share } from './measure.ts';
import { ask, placed, type SceneView, taskRandom } from './scene-view.ts';

export interface NamedRegion {
  readonly truth: string;
  readonly predicted: string;
}

/** Needs boxes of which it is known whose they are. */
export const regionCategory: Measure<SceneView, NamedRegion> = {
  observe: async (view) => {
    const { scene, indexOf, phrasings, questions } = view;
    const random = taskRandom(scene, 'region-category');
    const chosen = random.shuffle([...scene.objects.keys()]).slice(0, questions);
    const rows: NamedRegion[] = [];
    for (const object of chosen) {
      const { turns } = captionRegion({ scene, random, phrasings }, object, 'category')!;
      const answer = await ask(view, placed(turns[0].question, indexOf!));
      rows.push({ truth: scene.objects[object].category.name, predicted: answer.text });
    }
    return rows;
  },
  score: (rows) => ({
    accuracy: share(rows, ({ truth, predicted }) => normalizePhrase(truth) === normalizePhrase(predicted)),
  }),
};
