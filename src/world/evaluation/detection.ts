/**
 * Detection through the language model: every category of the scene and two that are absent, some per question, as in
 * the world's detection task (paper section 5, tables on COCO and LVIS).
 *
 * A phrase of the answer that is no category's name has no class to be charged to and is left out.
 */

import type { BoxXyxy } from '../../boxes/box.ts';
import { boxToXywh } from '../../boxes/convert.ts';
import type { Answer } from '../../chatrex/answer.ts';
import { measured } from '../../evaluation/figures.ts';
import { normalizePhrase } from '../../evaluation/metrics/normalize-phrase.ts';
import { evaluateDetection, type PredictedBox } from '../../evaluation/metrics/precision-recall.ts';
import type { GroundTruthBox } from '../../evaluation/metrics/records.ts';
import { askAbout } from '../../prompt/phrasings.ts';
import { CATEGORIES } from '../categories.ts';
import { allNamed } from '../description.ts';
import { absentCategory, categoriesOf } from '../tasks/detection.ts';
import type { Measure, WorldQuestion } from './measure.ts';
import type { Looked } from './scene-view.ts';
import { ask, listedBoxes, taskRandom, truthBoxes } from './scene-view.ts';

/** What there is of the categories of a question. */
export interface DetectionTruth {
  readonly truths: readonly GroundTruthBox[];
}

/** What was named. */
export interface DetectionAnswer {
  readonly predictions: readonly PredictedBox[];
}

/** Most names in a question, as in training. */
const maxNames = 8;
const absentNames = 2;

const idOf = new Map(CATEGORIES.map(({ name, id }) => [normalizePhrase(name), id]));

export const detection: Measure<Looked, DetectionTruth, DetectionAnswer> = {
  questions: async ({ scene, phrasings, askOptions }) => {
    const random = taskRandom(scene, 'detection');
    const names = new Set(categoriesOf(scene));
    const present = names.size;
    while (names.size < present + absentNames) names.add(absentCategory(scene, random));
    const shuffled = random.shuffle([...names]);
    const imageId = scene.key.index;
    const questions: WorldQuestion<Looked, DetectionTruth, DetectionAnswer>[] = [];
    for (let from = 0; from < shuffled.length; from += maxNames) {
      const asked = shuffled.slice(from, from + maxNames);
      const question = askAbout('detect', asked, phrasings, random);
      const truths = asked.flatMap((name) => toRecords(imageId, name, truthBoxes(scene, allNamed(scene, name))));
      questions.push({
        truth: { truths },
        ask: async (image) => ({
          predictions: predictionsOf(imageId, image, await ask(image, question, askOptions)),
        }),
      });
    }
    return questions;
  },
  nothing: { predictions: [] },
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

function predictionsOf(imageId: number, image: Looked, { labels, objects, scores }: Answer): PredictedBox[] {
  const boxes = listedBoxes(image.boxes.boxesXyxy, objects);
  return labels.flatMap((label, row) => {
    const isRepeated = labels.some((other, i) => i < row && other === label && objects[i] === objects[row]);
    const records = isRepeated ? [] : toRecords(imageId, label, [boxes[row]]);
    return records.map((record) => ({ ...record, score: scores[row] }));
  });
}

function toRecords(imageId: number, name: string, boxes: readonly BoxXyxy[]) {
  const categoryId = idOf.get(normalizePhrase(name));
  if (categoryId === undefined) return [];
  return boxes.map((box) => ({ imageId, categoryId, boxXywh: boxToXywh(box) }));
}
