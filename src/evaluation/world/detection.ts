/**
 * Detection through the language model: every category of the scene and two that are absent, some per question, as in the
 * world's detection task (paper section 5, tables on COCO and LVIS).
 *
 * A phrase of the answer that is no category's name has no class to be charged to and is left out.
 */

import type { BoxXyxy } from '../../boxes/box.ts';
import { boxToXywh } from '../../boxes/convert.ts';
import { askAbout } from '../../prompt/phrasings.ts';
import { CATEGORIES } from '../../world/categories.ts';
import { allNamed } from '../../world/description.ts';
import { absentCategory, categoriesOf } from '../../world/tasks/detection.ts';
import { normalizePhrase } from '../metrics/normalize-phrase.ts';
import { evaluateDetection, type PredictedBox } from '../metrics/precision-recall.ts';
import type { GroundTruthBox } from '../metrics/records.ts';
import { type Measure, measured } from './measure.ts';
import { ask, listedBoxes, type SceneView, taskRandom, truthBoxes } from './scene-view.ts';

/** One question: what there is of the categories asked for, and what was named. */
export interface DetectionRow {
  readonly truths: readonly GroundTruthBox[];
  readonly predictions: readonly PredictedBox[];
}

/** Most names in a question, as in training. */
const maxNames = 8;
const absentNames = 2;

const idOf = new Map(CATEGORIES.map(({ name, id }) => [normalizePhrase(name), id]));

export const detection: Measure<SceneView, DetectionRow> = {
  observe: async (view) => {
    const { scene, phrasings, image } = view;
    const random = taskRandom(scene, 'detection');
    const names = new Set(categoriesOf(scene));
    const present = names.size;
    while (names.size < present + absentNames) names.add(absentCategory(scene, random));
    const shuffled = random.shuffle([...names]);
    const rows: DetectionRow[] = [];
    for (let from = 0; from < shuffled.length; from += maxNames) {
      const asked = shuffled.slice(from, from + maxNames);
      const { labels, objects, scores } = await ask(view, askAbout('detect', asked, phrasings, random));
      const imageId = scene.key.index;
      const truths = asked.flatMap((name) => toRecords(imageId, name, truthBoxes(scene, allNamed(scene, name))));
      const boxes = listedBoxes(image.boxes.boxesXyxy, objects);
      const predictions = labels.flatMap((label, row) => {
        const isRepeated = labels.some((other, i) => i < row && other === label && objects[i] === objects[row]);
        const records = isRepeated ? [] : toRecords(imageId, label, [boxes[row]]);
        return records.map((record) => ({ ...record, score: scores[row] }));
      });
      rows.push({ truths, predictions });
    }
    return rows;
  },
  score: (rows) => {
    const truths = rows.flatMap((row) => row.truths);
    const predictions = rows.flatMap((row) => row.predictions);
    const { precision, recall, AP, AP50 } = evaluateDetection(truths, predictions);
    return {
      'P@0.5': measured(precision),
      'R@0.5': measured(recall),
      mAP: measured(AP),
      mAP50: measured(AP50),
    };
  },
};

function toRecords(imageId: number, name: string, boxes: readonly BoxXyxy[]) {
  const categoryId = idOf.get(normalizePhrase(name));
  if (categoryId === undefined) return [];
  return boxes.map((box) => ({ imageId, categoryId, boxXywh: boxToXywh(box) }));
}
