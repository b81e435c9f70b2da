/**
 * Counting (CountBench, PixmoCount, COCO): the first number of the answer, region tokens removed, as VLM-FO1's
 * eval_countbench.py reads it; an answer without a number is 0 there and here.
 */

import { idOf, misfit, textOf } from './answer-fields.ts';
import { pairAnswers } from './pair-answers.ts';
import type { RawRecord, RecordFile } from './record-files.ts';
import { counted, meanOf, type SuiteScore, shareOf } from './suite-score.ts';

export interface CountingQuestion {
  readonly id: string;
  readonly count: number;
}

export interface CountingText {
  readonly id: string;
  readonly text: string;
}

/** Questions as `{ question, image, answer: number }`; the id is the record's, or image and question together. */
export function countingQuestions(file: RecordFile): CountingQuestion[] {
  return file.records.map((record, i) => {
    const id = keyOf(record);
    const count = Number(record.answer ?? record.count);
    if (id === undefined || !Number.isInteger(count)) {
      throw misfit(file, i, 'an id (or image and question) and a whole number as answer', 'counting');
    }
    return { id, count };
  });
}

/** Answers as `{ image, question, prediction }`, or with an id in place of image and question. */
export function countingAnswers(file: RecordFile): CountingText[] {
  return file.records.map((record, i) => {
    const id = keyOf(record);
    const text = textOf(record);
    if (id === undefined || text === undefined) {
      throw misfit(file, i, 'an id (or image and question) and a prediction', 'counting');
    }
    return { id, text };
  });
}

function keyOf(record: RawRecord): string | undefined {
  const id = idOf(record);
  if (id !== undefined) return id;
  const { image, question } = record;
  return typeof image === 'string' && typeof question === 'string' ? `${image} ${question}` : undefined;
}

/** The first number of an answer, without the digits of `<region3>`, `<obj3>` and `region3`; undefined without one. */
export function readCount(text: string): number | undefined {
  const number = /(?<!region)\d+/.exec(text.replace(/<(?:region|obj)\d+>/g, ''));
  return number ? Number(number[0]) : undefined;
}

/** `offByOne` includes the exact answers. A missing answer counts as wrong, and as 0 in the mean error. */
export function scoreCounting(questions: readonly CountingQuestion[], answers: readonly CountingText[]): SuiteScore {
  const idOfSample = ({ id }: { id: string }) => id;
  const { pairs, counts, notes } = pairAnswers(questions, answers, idOfSample, idOfSample);
  const read = pairs.map(({ truth, answer }) => ({
    isMissing: answer === undefined,
    isWithout: answer !== undefined && readCount(answer.text) === undefined,
    error: Math.abs((answer === undefined ? 0 : (readCount(answer.text) ?? 0)) - truth.count),
  }));
  const without = read.filter(({ isWithout }) => isWithout).length;
  return {
    suite: 'counting',
    figures: {
      exact: shareOf(read.map(({ error, isMissing }) => !isMissing && error === 0)),
      offByOne: shareOf(read.map(({ error, isMissing }) => !isMissing && error <= 1)),
      meanAbsoluteError: meanOf(read.map(({ error }) => error)),
    },
    byKind: {},
    variant: { rule: 'official: the first number in digits; an answer without one counts as 0 (VLM-FO1)' },
    counts,
    notes: [...notes, ...(without > 0 ? [`${counted(without, 'answer')} without a number counted as 0`] : [])],
  };
}
