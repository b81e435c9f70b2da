/**
 * Phrases and what they mean (paper section 5.2, table 3). One object: is it the first box of the answer? Several or
 * none, as in HumanRef: precision and recall over all boxes, and whether a phrase about nothing is answered with
 * nothing.
 */

import type { BoxXyxy } from '../../boxes/box.ts';
import { iou } from '../../boxes/overlap.ts';
import type { PhraseKind } from '../../datasets/sample.ts';
import { measured, share } from '../figures.ts';
import { flatten } from '../metrics/match-boxes.ts';
import { evaluateReferring } from '../metrics/referring.ts';
import type { Row } from '../row.ts';
import type { FoundBoxes, Refers } from '../subject.ts';
import type { Question, Suite, SuiteFigures } from '../suite.ts';
import { type Figures, meanOf } from '../suites/suite-score.ts';
import { faultNotes } from './notes.ts';

export interface PhraseTruth {
  readonly phrase: string;
  readonly boxesXyxy: readonly BoxXyxy[];
}

export type PhraseRow = Row<PhraseTruth, FoundBoxes>;

export interface ReferringSuiteOptions {
  /** Kinds of phrases that are asked about; referring expressions and short phrases by default. */
  readonly kinds?: readonly PhraseKind[];
  /** `referring` by default. */
  readonly name?: string;
}

/**
 * Asks for the box of each phrase of a sample.
 * @example const suite = referringSuite({ kinds: ['referring'] });
 *   await evaluate({ suite, data, open: async () => new ModelSubject({ chatrex }), model });
 */
export function referringSuite(options: ReferringSuiteOptions = {}): Suite<Refers, PhraseTruth, FoundBoxes> {
  const { kinds = ['referring', 'phrase'], name = 'referring' } = options;
  return {
    name,
    needs: ['images', 'boxes', 'phrases'],
    questions: async (view) => {
      const { phrases, regions, image } = view.sample;
      if (image === undefined) return [];
      return phrases.flatMap((phrase, i): Question<Refers, PhraseTruth, FoundBoxes>[] => {
        if (!kinds.includes(phrase.kind) || phrase.regions.some((region) => regions[region].isIgnored)) return [];
        return [
          {
            key: `phrase ${i}`,
            truth: { phrase: phrase.text, boxesXyxy: phrase.regions.map((region) => regions[region].boxXyxy) },
            ask: (subject, signal) => subject.refer(view, phrase.text, signal),
          },
        ];
      });
    },
    score: scorePhrases,
  };
}

/**
 * `accuracy50`, its inclusive form and `meanIou` are of phrases that mean something; the first box of an answer counts.
 */
export function scorePhrases(rows: readonly PhraseRow[]): SuiteFigures {
  const answers = rows.flatMap((row) => {
    if (row.truth === undefined) return [];
    const predictedXyxy = 'answer' in row ? row.answer.boxes.map(({ boxXyxy }) => boxXyxy) : [];
    return [{ truthsXyxy: row.truth.boxesXyxy, predictedXyxy, isFault: 'fault' in row }];
  });
  const present = answers.filter(({ truthsXyxy }) => truthsXyxy.length > 0);
  const overlaps = present.map(({ truthsXyxy, predictedXyxy }) =>
    Math.max(0, ...iou(flatten(predictedXyxy.slice(0, 1)), flatten(truthsXyxy))),
  );
  // An endpoint that fails does not reject.
  const { precision, recall } = evaluateReferring(answers);
  const absent = answers.filter(({ truthsXyxy }) => truthsXyxy.length === 0);
  const figures: Figures = {
    accuracy50: share(overlaps, (overlap) => overlap > 0.5),
    accuracy50Inclusive: share(overlaps, (overlap) => overlap >= 0.5),
    meanIou: meanOf(overlaps),
    precision: measured(precision),
    recall: measured(recall),
    rejection: share(absent, ({ isFault, predictedXyxy }) => !isFault && predictedXyxy.length === 0),
  };
  return {
    figures,
    byKind: {},
    variant: {
      accuracy50: 'first box, IoU > .5 (the paper, Groma, Shikra)',
      accuracy50Inclusive: 'first box, IoU >= .5 (VLMEvalKit, lmms-eval)',
      precision: 'mean over phrases at IoU .5, boxes paired by overlap',
    },
    notes: faultNotes(rows),
  };
}
