/**
 * SEED-Bench-1 (Li et al. 2023): four options, letters. The paper's SEED-I are the questions about images; questions
 * about videos have ids with a `v`. Rules: `official` (equality, as LLaVA's convert_seed_for_submission.py),
 * `lmms-eval` (the first character, whatever its case).
 */

import { groupBy } from '../metrics/group-by.ts';
import { required, type TextAnswer, textAnswers, textOf } from './answer-fields.ts';
import { pairAnswers } from './pair-answers.ts';
import { isRecord, type RecordFile } from './record-files.ts';
import { type Figures, type SuiteScore, shareOf } from './suite-score.ts';

export interface SeedQuestion {
  readonly id: string;
  readonly letter: string;
  readonly isVideo: boolean;
  /** Name of the question's type, where the file says it. */
  readonly type?: string;
}

export type SeedRule = 'official' | 'lmms-eval';

export const seedRules: Readonly<Record<SeedRule, string>> = {
  official: 'the answer must be the letter and nothing else (LLaVA, SEED-Bench)',
  'lmms-eval': 'the first character counts, whatever its case (lmms-eval)',
};

/**
 * Questions of `SEED-Bench.json` (`{ questions, question_type }`), or of a list of answers that also holds the truth
 * (`{ question_id, prediction, gt_answer }`, as the published results do).
 */
export function seedQuestions(file: RecordFile): SeedQuestion[] {
  const questions = file.records.find((record) => record.id === 'questions')?.value;
  if (Array.isArray(questions)) {
    const { id: _, ...types } = file.records.find((record) => record.id === 'question_type') ?? { id: '' };
    const nameOf = new Map(Object.entries(types).map(([name, type]) => [String(type), name]));
    const inner = { path: file.path, records: questions.filter(isRecord) };
    return inner.records.map((record, i) => ({
      id: required(inner, i, 'question_id', 'seed'),
      letter: required(inner, i, 'answer', 'seed').trim(),
      isVideo: record.data_type === 'video',
      type: nameOf.get(String(record.question_type_id)),
    }));
  }
  const field = 'gt_answer' in (file.records[0] ?? {}) ? 'gt_answer' : 'answer';
  return file.records.map((_, i) => {
    const id = required(file, i, 'question_id', 'seed');
    const type = textOf(file.records[i], ['question_type']);
    return { id, letter: required(file, i, field, 'seed').trim(), isVideo: id.includes('v'), type };
  });
}

export const seedAnswers = (file: RecordFile): TextAnswer[] =>
  textAnswers(file, 'seed', ['prediction', 'text', 'response', 'output', 'answer']);

/**
 * A file that holds answers and truth. Published ones have some questions twice, with the same id; the published
 * figures count both, so the second becomes a sample of its own.
 */
export function seedResults(file: RecordFile): { questions: SeedQuestion[]; answers: TextAnswer[] } {
  const timesSeen = new Map<string, number>();
  const ids = seedAnswers(file).map(({ id }) => {
    const times = 1 + (timesSeen.get(id) ?? 0);
    timesSeen.set(id, times);
    return times === 1 ? id : `${id} (${times})`;
  });
  return {
    questions: seedQuestions(file).map((question, i) => ({ ...question, id: ids[i] })),
    answers: seedAnswers(file).map((answer, i) => ({ ...answer, id: ids[i] })),
  };
}

/** `accuracy` is of all questions that the truth has, `accuracyImage` is SEED-I. */
export function scoreSeed(
  questions: readonly SeedQuestion[],
  answers: readonly TextAnswer[],
  rule: SeedRule = 'official',
): SuiteScore {
  const { pairs, counts, notes } = pairAnswers(questions, answers, idOfSample, idOfSample);
  const judged = pairs.map(({ truth, answer }) => ({
    ...truth,
    isRight: answer !== undefined && isLetter(answer.text, truth.letter, rule),
  }));
  const accuracy = (part: typeof judged) => shareOf(part.map(({ isRight }) => isRight));
  const byKind: Record<string, Figures> = {};
  for (const [type, own] of groupBy(judged, (question) => question.type)) {
    if (type !== undefined) byKind[type] = { accuracy: accuracy(own) };
  }
  return {
    suite: 'seed',
    figures: {
      accuracy: accuracy(judged),
      accuracyImage: accuracy(judged.filter(({ isVideo }) => !isVideo)),
      accuracyVideo: accuracy(judged.filter(({ isVideo }) => isVideo)),
    },
    byKind,
    variant: { rule: `${rule}: ${seedRules[rule]}` },
    counts,
    notes,
  };
}

const idOfSample = ({ id }: { id: string }): string => id;

function isLetter(text: string, letter: string, rule: SeedRule): boolean {
  if (rule === 'official') return text === letter;
  return text.trim().slice(0, 1).toLowerCase() === letter.toLowerCase();
}
