/**
 * Questions with one right fact: colour, kind, existence, place, relation, size, number. Conversations are asked turn by turn
 * with the true answers before, so that one mistake is counted once.
 */

import type { Turn } from '../../chatrex/encoded-image.ts';
import { renderQuestion } from '../../grounding/render.ts';
import { groupBy } from '../metrics/group-by.ts';
import { statesFact } from './fact.ts';
import { type Measure, share } from './measure.ts';
import { placed, type SceneView, samplesOf } from './scene-view.ts';

export interface FactAnswer {
  /** "red", "yes", "three", "on the left". */
  readonly expected: string;
  readonly answer: string;
  /** "larger", "colourOf"; none in conversations. */
  readonly kind?: string;
}

/** Needs boxes of which it is known whose they are: questions name them. */
export function questionAnswering(task: 'region-qa' | 'conversation'): Measure<SceneView, FactAnswer> {
  return {
    observe: async (view) => {
      const { image, indexOf, askOptions } = view;
      const rows: FactAnswer[] = [];
      for (const { turns } of samplesOf(view, task)) {
        const before: Turn[] = [];
        for (const { question: asked, answer, accepted, kind } of turns) {
          const question = renderQuestion(placed(asked, indexOf!));
          if (accepted !== undefined) {
            const { text } = await image.chat([...before, { question }], askOptions);
            rows.push({ expected: accepted[0], answer: text, kind });
          }
          before.push({ question, answer: placed(answer, indexOf!) });
        }
      }
      return rows;
    },
    score: (rows) => {
      const isRight = ({ expected, answer }: FactAnswer) => statesFact(answer, expected);
      const figures: Record<string, number | null> = { accuracy: share(rows, isRight) };
      const byKind = groupBy(
        rows.filter(({ kind }) => kind),
        ({ kind }) => kind!,
      );
      for (const [kind, ofKind] of [...byKind].sort()) figures[kind] = share(ofKind, isRight);
      return figures;
    },
  };
}
