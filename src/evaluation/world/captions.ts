/** Grounded captions: how many phrases with their boxes are right, and how many of the true ones are said. */

import type { BoxXyxy } from '../../boxes/box.ts';
import type { GroundedText } from '../../grounding/grounded-text.ts';
import {
  evaluateGroundedCaptions,
  type GroundedCaptionAnswer,
  type GroundedPhrase,
} from '../metrics/grounded-caption.ts';
import { type Measure, measured } from './measure.ts';
import { ask, listedBoxes, type SceneView, samplesOf, truthBoxes } from './scene-view.ts';

/** What a caption must mention is fixed by the world: the largest groups first, then what holds what and where it is. */
export function captions(task: 'brief-caption' | 'detailed-caption'): Measure<SceneView, GroundedCaptionAnswer> {
  return {
    observe: async (view) => {
      const { scene, image } = view;
      // A second caption of the same scene would differ in the question's wording only.
      const [sample] = samplesOf({ ...view, questions: 1 }, task);
      if (!sample) return [];
      const [{ question, answer }] = sample.turns;
      const { spans } = await ask(view, question);
      return [
        {
          truth: phrasesOf(answer, (objects) => truthBoxes(scene, objects)),
          predicted: phrasesOf(spans, (objects) => listedBoxes(image.boxes.boxesXyxy, objects)),
        },
      ];
    },
    score: (rows) => {
      const { precision, recall } = evaluateGroundedCaptions(rows);
      return { 'phrase precision': measured(precision), 'phrase recall': measured(recall) };
    },
  };
}

function phrasesOf(text: GroundedText, boxesOf: (objects: readonly number[]) => BoxXyxy[]): GroundedPhrase[] {
  return text.flatMap((span) =>
    span.kind === 'text' ? [] : [{ phrase: span.text, boxesXyxy: boxesOf(span.objects) }],
  );
}
