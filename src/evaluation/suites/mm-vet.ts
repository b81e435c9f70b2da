/**
 * MM-Vet (Yu et al. 2023): open answers, graded 0 to 1 by a judge, by capability (recognition, OCR, knowledge,
 * generation, spatial, math). The score is the mean x 100 of 218 samples, over several runs of the judge. Official
 * script: yuweihao/MM-Vet mm-vet_evaluator.py with GPT-4-0613; scores of other judges and other prompts are not the
 * published ones.
 */

import { groupBy } from '../metrics/group-by.ts';
import { misfit, required, type TextAnswer, textAnswers } from './answer-fields.ts';
import { pairAnswers } from './pair-answers.ts';
import type { RecordFile } from './record-files.ts';
import { type Figures, meanOf, type SuiteScore } from './suite-score.ts';

export interface MmVetQuestion {
  readonly id: string;
  readonly question: string;
  /** With `<AND>` and `<OR>` between its parts. */
  readonly answer: string;
  readonly capabilities: readonly string[];
}

/** Grades of one answer, 0..1, one of each run of the judge. */
export interface MmVetGrades {
  readonly id: string;
  readonly grades: readonly number[];
}

/** `mm-vet.json`: `{ id: { question, answer, capability: [...] } }`. */
export function mmVetQuestions(file: RecordFile): MmVetQuestion[] {
  return file.records.map((record, i) => {
    const { capability } = record;
    if (!Array.isArray(capability)) throw misfit(file, i, 'question, answer and a list of capability', 'mm-vet');
    return {
      id: required(file, i, 'id', 'mm-vet'),
      question: required(file, i, 'question', 'mm-vet'),
      answer: required(file, i, 'answer', 'mm-vet'),
      capabilities: capability.map(String),
    };
  });
}

/** `{ id: answer }`. */
export const mmVetAnswers = (file: RecordFile): TextAnswer[] =>
  textAnswers(file, 'mm-vet', ['value', 'prediction', 'text']);

/** The grades that the official script keeps, `{ id: { score: [...] } }`; undefined when the file holds answers. */
export function mmVetGrades(file: RecordFile): MmVetGrades[] | undefined {
  const isGraded = ({ score }: Readonly<Record<string, unknown>>) =>
    Array.isArray(score) && score.length > 0 && score.every((grade) => typeof grade === 'number');
  if (file.records.length === 0 || !file.records.every(isGraded)) return undefined;
  return file.records.map((record, i) => ({
    id: required(file, i, 'id', 'mm-vet'),
    grades: record.score as number[],
  }));
}

/** Instructions and examples in the form of the official ones; worded for this project. */
export const mmVetInstructions = [
  'You grade answers about images. Compare the answer with the truth and give a score from 0.0 (wrong) to 1.0 (right), in',
  'tenths. <AND> joins parts that must all be in the answer; <OR> joins parts of which one is enough. Write the score alone,',
  'in place of the last empty cell.',
  '',
  'Question | Truth | Answer | Score',
  '--- | --- | --- | ---',
  'Which animals are there? | a dog <AND> a cat | a horse | 0.0',
  'Which animals are there? | a dog <AND> a cat | a cat | 0.5',
  'Which animals are there? | a dog <AND> a cat | one dog beside a cat | 1.0',
  'What is 3 x 4? | 12 <OR> twelve | twelve | 1.0',
  'Why is this funny? | The sign says that there are no signs, so it contradicts itself. | It is a sign. | 0.1',
  'Why is this funny? | The sign says that there are no signs, so it contradicts itself. | The sign denies itself. | 0.9',
].join('\n');

/** @param instructions the text before the question's row; that of the official script gives comparable grades */
export function mmVetPrompt(question: MmVetQuestion, answer: string, instructions = mmVetInstructions): string {
  const truth = question.answer.replaceAll('<AND>', ' <AND> ').replaceAll('<OR>', ' <OR> ');
  return `${instructions}\n${[question.question, truth, answer, ''].join(' | ')}`;
}

/** The judge's first word as a grade, or undefined where it is no number from 0 to 1. */
export function readMmVetGrade(reply: string): number | undefined {
  const [word] = reply.trim().split(/\s+/, 1);
  const grade = /^\d*\.?\d+$|^\d+\.$/.test(word) ? Number(word) : Number.NaN;
  return grade >= 0 && grade <= 1 ? grade : undefined;
}

/**
 * `score` is on the suite's scale of 0 to 100, the mean over runs, and `deviation` the standard deviation of the runs.
 * A sample without a grade counts as 0.
 */
export function scoreMmVet(questions: readonly MmVetQuestion[], graded: readonly MmVetGrades[]): SuiteScore {
  const idOf = ({ id }: { id: string }) => id;
  const { pairs, counts, notes } = pairAnswers(questions, graded, idOf, idOf);
  const runs = Math.max(1, ...graded.map(({ grades }) => grades.length));
  const ofRun = (own: typeof pairs, run: number) =>
    100 * (meanOf(own.map(({ answer }) => answer?.grades[run] ?? 0)) ?? 0);
  const figuresOf = (own: typeof pairs): Figures => {
    const scores = Array.from({ length: runs }, (_, run) => ofRun(own, run));
    const score = meanOf(scores) ?? 0;
    return { score, deviation: Math.sqrt(meanOf(scores.map((value) => (value - score) ** 2)) ?? 0) };
  };
  const byKind: Record<string, Figures> = {};
  const capabilities = [...new Set(questions.flatMap((question) => question.capabilities))];
  for (const capability of capabilities) {
    byKind[capability] = figuresOf(pairs.filter(({ truth }) => truth.capabilities.includes(capability)));
  }
  const together = groupBy(pairs, ({ truth }) => [...truth.capabilities].sort().join('+'));
  for (const [capability, own] of together) if (!(capability in byKind)) byKind[capability] = figuresOf(own);
  return {
    suite: 'mm-vet',
    figures: figuresOf(pairs),
    byKind,
    variant: { rule: `grades of a judge, 0 to 1 in tenths, x 100; ${runs === 1 ? 'one run' : `mean of ${runs} runs`}` },
    counts,
    notes,
  };
}
