/**
 * POPE (Li et al. 2023): "Is there a dog in the image?", half of the right answers yes. Three categories of questions
 * about absent things: random, popular, adversarial; the paper's figure is the mean F1 of the three.
 *
 * Rules to read yes or no from a text, each equal to a public script but for what `popeRules` says:
 * `official` (RUCAIBox/POPE evaluate.py, also LLaVA's), `vlmevalkit` (its YOrN_Extraction), `lmms-eval`.
 */

import { ChatRexError } from '../../errors.ts';
import { groupBy } from '../metrics/group-by.ts';
import { required, textAnswers } from './answer-fields.ts';
import { pairAnswers } from './pair-answers.ts';
import type { RecordFile } from './record-files.ts';
import { counted, type Figures, meanOf, type SuiteScore, shareOf } from './suite-score.ts';
import { readYesNo } from './yes-no.ts';

export interface PopeQuestion {
  readonly id: string;
  /** random, popular or adversarial. */
  readonly category: string;
  readonly isYes: boolean;
}

export interface PopeAnswer {
  readonly id: string;
  readonly category: string;
  readonly text: string;
}

export type PopeRule = 'official' | 'vlmevalkit' | 'lmms-eval';

/** What each rule does, for the report. */
export const popeRules: Readonly<Record<PopeRule, string>> = {
  official:
    "no if the first sentence has a word 'no', 'No' or 'not', otherwise yes, also when it is empty (POPE, LLaVA)",
  vlmevalkit: 'yes or no if the text has exactly one of the two words, otherwise unknown and wrong (VLMEvalKit)',
  'lmms-eval':
    "the whole text must be 'yes' or 'no' (lmms-eval; the yes ratio counts answers, where that script counts truths)",
};

const categoryOfFile = (path: string): string | undefined => /(random|popular|adversarial)/.exec(path)?.[1];

/** The questions of `coco_pope_<category>.json`; the category is the record's, or the file name's. */
export function popeQuestions(file: RecordFile): PopeQuestion[] {
  return file.records.map((record, i) => ({
    id: required(file, i, 'question_id', 'pope'),
    category: categoryOf(record.category, file.path),
    isYes: required(file, i, 'label', 'pope').trim().toLowerCase() === 'yes',
  }));
}

/** Answers as POPE's `{ question_id, question, answer }` or LLaVA's `{ question_id, prompt, text }`. */
export function popeAnswers(file: RecordFile): PopeAnswer[] {
  return textAnswers(file, 'pope', ['prediction', 'answer', 'text', 'response', 'output']).map((answer, i) => ({
    ...answer,
    category: categoryOf(file.records[i].category, file.path),
  }));
}

/**
 * LLaVA numbers the questions of all categories through, in a file of its own; the labels are in POPE's files, in the
 * same order within a category.
 * @throws ChatRexError 'invalid-file' when a category has another number of questions than labels
 */
export function llavaPopeQuestions(questions: RecordFile, labels: readonly PopeQuestion[]): PopeQuestion[] {
  const asked = questions.records.map((_, i) => ({
    id: required(questions, i, 'question_id', 'pope'),
    category: required(questions, i, 'category', 'pope'),
  }));
  const labelsOf = groupBy(labels, ({ category }) => category);
  return [...groupBy(asked, ({ category }) => category)].flatMap(([category, own]) => {
    const known = labelsOf.get(category) ?? [];
    if (known.length === 0) return [];
    if (known.length !== own.length) {
      const message = `${own.length} questions of category ${category}, and ${known.length} labels`;
      throw new ChatRexError('invalid-file', `${questions.path}: ${message}; give the questions of the same labels`);
    }
    return own.map(({ id }, i) => ({ id, category, isYes: known[i].isYes }));
  });
}

/** Answers by ids that are numbered through get the categories of their questions. */
export function withCategories(answers: readonly PopeAnswer[], questions: readonly PopeQuestion[]): PopeAnswer[] {
  const categoryOfId = new Map(questions.map(({ id, category }) => [id, category]));
  return answers.map((answer) => ({ ...answer, category: categoryOfId.get(answer.id) ?? answer.category }));
}

function categoryOf(field: unknown, path: string): string {
  return typeof field === 'string' ? field : (categoryOfFile(path) ?? 'all');
}

/** Yes, no, or undefined where the rule finds neither. */
export function readPopeAnswer(text: string, rule: PopeRule): boolean | undefined {
  if (rule === 'vlmevalkit') return readYesNo(text);
  if (rule === 'lmms-eval') {
    const word = text.trim().toLowerCase();
    return word === 'yes' ? true : word === 'no' ? false : undefined;
  }
  const words = text.split('.', 1)[0].replaceAll(',', '').split(' ');
  return !words.some((word) => word === 'No' || word === 'not' || word === 'no');
}

/**
 * Scores POPE. A missing answer, or one in which the rule finds neither yes nor no, counts as the wrong one of the two.
 * Figures of several categories are the means over the categories.
 */
export function scorePope(
  questions: readonly PopeQuestion[],
  answers: readonly PopeAnswer[],
  rule: PopeRule = 'official',
): SuiteScore {
  // Every category numbers its questions from 1.
  const categories = new Set(questions.map(({ category }) => category));
  const only = categories.size === 1 ? questions[0]?.category : undefined;
  const keyOf = ({ id, category }: { id: string; category: string }) => (only === undefined ? `${category} ${id}` : id);
  const { pairs, counts, notes } = pairAnswers(questions, answers, keyOf, keyOf);
  const read = pairs.map(({ truth, answer }) => {
    const said = answer && readPopeAnswer(answer.text, rule);
    return {
      truth,
      isEmpty: answer?.text.trim() === '',
      isUnread: answer && said === undefined,
      isYes: said ?? !truth.isYes,
    };
  });
  const byKind = Object.fromEntries(
    [...groupBy(read, ({ truth }) => truth.category)].map(([category, own]) => [
      category,
      binaryFigures(own.map(({ truth, isYes }) => ({ truth: truth.isYes, answer: isYes }))),
    ]),
  );
  const unread = read.filter(({ isUnread }) => isUnread).length;
  const empty = read.filter(({ isEmpty }) => isEmpty).length;
  return {
    suite: 'pope',
    figures: meanFigures(Object.values(byKind)),
    byKind,
    variant: { rule: `${rule}: ${popeRules[rule]}`, mean: 'of the categories' },
    counts,
    notes: [
      ...notes,
      ...(unread > 0 ? [`${counted(unread, 'answer')} with neither yes nor no counted as wrong`] : []),
      ...(empty > 0 && rule === 'official'
        ? [`${counted(empty, 'empty answer')} counted as yes, as this rule does`]
        : []),
    ],
  };
}

/** Accuracy, precision, recall and F1 of yes, and how often the answer is yes. */
export function binaryFigures(answers: readonly { truth: boolean; answer: boolean }[]): Figures {
  const count = (truth: boolean, answer: boolean) =>
    answers.filter((pair) => pair.truth === truth && pair.answer === answer).length;
  const [found, invented, missed] = [count(true, true), count(false, true), count(true, false)];
  const precision = found + invented === 0 ? 0 : found / (found + invented);
  const recall = found + missed === 0 ? 0 : found / (found + missed);
  return {
    accuracy: shareOf(answers.map(({ truth, answer }) => truth === answer)),
    precision,
    recall,
    f1: precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall),
    yesRatio: shareOf(answers.map(({ answer }) => answer)),
  };
}

/** Each figure's mean over several groups. */
export function meanFigures(groups: readonly Figures[]): Figures {
  const names = Object.keys(groups[0] ?? {});
  return Object.fromEntries(
    names.map((name) => [name, meanOf(groups.flatMap((figures) => figures[name] ?? []))] as const),
  );
}
