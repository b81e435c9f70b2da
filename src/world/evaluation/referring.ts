/**
 * Referring expressions that mean one object: is the first box of the answer that object (paper section 5, RefCOCO)?
 */

import { measured } from '../../evaluation/figures.ts';
import { evaluateReferring, type ReferringAnswer } from '../../evaluation/metrics/referring.ts';
import type { GroundedText } from '../../grounding/grounded-text.ts';
import type { Measure } from './measure.ts';
import type { Looked } from './scene-view.ts';
import { ask, conversationsOf, listedBoxes, truthBoxes } from './scene-view.ts';

export const referring: Measure<Looked, Pick<ReferringAnswer, 'truthsXyxy'>, Pick<ReferringAnswer, 'predictedXyxy'>> = {
  questions: async (view) =>
    (await conversationsOf(view, 'referring')).map(({ turns: [{ question, answer }] }) => ({
      truth: { truthsXyxy: truthBoxes(view.scene, objectsOf(answer)) },
      ask: async (image) => {
        const { objects } = await ask(image, question, view.askOptions);
        return { predictedXyxy: listedBoxes(image.boxes.boxesXyxy, objects) };
      },
    })),
  nothing: { predictedXyxy: [] },
  score: (rows) => ({ accuracy: measured(evaluateReferring(rows).accuracy) }),
};

/** Objects that an answer names, ascending. */
const objectsOf = (answer: GroundedText): number[] =>
  [...new Set(answer.flatMap((span) => (span.kind === 'phrase' ? span.objects : [])))].sort((a, b) => a - b);
