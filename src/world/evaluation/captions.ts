/** Grounded captions: how many phrases with their boxes are right, and how many of the true ones are said. */

import type { BoxXyxy } from '../../boxes/box.ts';
import { measured } from '../../evaluation/figures.ts';
import {
  evaluateGroundedCaptions,
  type GroundedCaptionAnswer,
  type GroundedPhrase,
} from '../../evaluation/metrics/grounded-caption.ts';
import type { GroundedText } from '../../grounding/grounded-text.ts';
import type { Measure } from './measure.ts';
import type { Looked } from './scene-view.ts';
import { ask, conversationsOf, listedBoxes, truthBoxes } from './scene-view.ts';

type CaptionMeasure = Measure<Looked, Pick<GroundedCaptionAnswer, 'truth'>, Pick<GroundedCaptionAnswer, 'predicted'>>;

/**
 * What a caption must mention is fixed by the world: the largest groups first, then what holds what and where it is.
 */
export function captions(task: 'brief-caption' | 'detailed-caption'): CaptionMeasure {
  return {
    questions: async (view) => {
      // A second caption of the same scene would differ in the question's wording only.
      const [conversation] = await conversationsOf({ ...view, questions: 1 }, task);
      if (!conversation) return [];
      const [{ question, answer }] = conversation.turns;
      return [
        {
          truth: { truth: phrasesOf(answer, (objects) => truthBoxes(view.scene, objects)) },
          ask: async (image) => {
            const { spans } = await ask(image, question, view.askOptions);
            return { predicted: phrasesOf(spans, (objects) => listedBoxes(image.boxes.boxesXyxy, objects)) };
          },
        },
      ];
    },
    nothing: { predicted: [] },
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
