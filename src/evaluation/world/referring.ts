/** Referring expressions that mean one object: is the first box of the answer that object (paper section 5, RefCOCO)? */

import type { GroundedText } from '../../grounding/grounded-text.ts';
import { evaluateReferring, type ReferringAnswer } from '../metrics/referring.ts';
import { type Measure, measured } from './measure.ts';
import { ask, listedBoxes, type SceneView, samplesOf, truthBoxes } from './scene-view.ts';

export const referring: Measure<SceneView, ReferringAnswer> = {
  observe: async (view) => {
    const rows: ReferringAnswer[] = [];
    for (const { turns } of samplesOf(view, 'referring')) {
      const answer = await ask(view, turns[0].question);
      rows.push({
        truthsXyxy: truthBoxes(view.scene, objectsOf(turns[0].answer)),
        predictedXyxy: listedBoxes(view.image.boxes.boxesXyxy, answer.objects),
      });
    }
    return rows;
  },
  score: (rows) => ({ accuracy: measured(evaluateReferring(rows).accuracy) }),
};

/** Objects that an answer names, ascending. */
const objectsOf = (answer: GroundedText): number[] =>
  [...new Set(answer.flatMap((span) => (span.kind === 'phrase' ? span.objects : [])))].sort((a, b) => a - b);
