/**
 * Questions with one right fact: colour, kind, existence, place, relation, size, number. Conversations are asked turn
 * by turn with the true answers before, so that one mistake is counted once.
 */

import type { Turn } from '../../chatrex/encoded-image.ts';
import { share } from '../../evaluation/figures.ts';
import { groupBy } from '../../evaluation/metrics/group-by.ts';
import { renderQuestion } from '../../grounding/render.ts';
import { statesFact } from './fact.ts';
import type { Measure, WorldQuestion } from './measure.ts';
import type { Looked } from './scene-view.ts';
import { conversationsOf, placed } from './scene-view.ts';

export interface Fact {
  /** "red", "yes", "three", "on the left". */
  readonly expected: string;
  /** "larger", "colourOf"; missing in conversations. */
  readonly kind?: string;
}

export interface FactAnswer {
  readonly answer: string;
}

/** Needs boxes of which it is known whose they are: questions name them. */
export function questionAnswering(task: 'region-qa' | 'conversation'): Measure<Looked, Fact, FactAnswer> {
  return {
    questions: async (view) => {
      const { indexOf, askOptions } = view;
      const questions: WorldQuestion<Looked, Fact, FactAnswer>[] = [];
      for (const { turns } of await conversationsOf(view, task)) {
        const before: Turn[] = [];
        for (const { question: asked, answer, accepted, kind } of turns) {
          const question = renderQuestion(placed(asked, indexOf!));
          if (accepted !== undefined) {
            const conversation = [...before, { question }];
            questions.push({
              truth: { expected: accepted[0], kind },
              ask: async (image) => ({ answer: (await image.chat(conversation, askOptions)).text }),
            });
          }
          before.push({ question, answer: placed(answer, indexOf!) });
        }
      }
      return questions;
    },
    nothing: { answer: '' },
    score: (rows) => {
      const isRight = ({ expected, answer }: Fact & FactAnswer) => statesFact(answer, expected);
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
