/**
 * MMBench (Liu et al. 2023), CircularEval: each question is asked with its options rotated, and is right when every
 * rotation is. Rotations of question 5 have the indices 5, 1000005, 2000005 ... An answer's option is read as
 * VLMEvalKit reads it; where that leaves it open, a judge may match the answer, otherwise it is wrong (`exact_matching`
 * there).
 */

import { groupBy } from '../metrics/group-by.ts';
import { misfit, required, type TextAnswer, textAnswers } from './answer-fields.ts';
import { inferOption } from './infer-option.ts';
import type { Options } from './mmmu-parse.ts';
import { pairAnswers } from './pair-answers.ts';
import type { RawRecord, RecordFile } from './record-files.ts';
import { counted, type Figures, type SuiteScore, shareOf } from './suite-score.ts';

export interface MmbenchQuestion {
  readonly id: string;
  readonly question: string;
  readonly options: Options;
  readonly letter: string;
  readonly category?: string;
  readonly ability?: string;
}

/** Rotations of one question differ by multiples of this. */
const rotationStep = 1_000_000;

/** The questions of `mmbench_dev_*.tsv`. */
export function mmbenchQuestions(file: RecordFile): MmbenchQuestion[] {
  return file.records.map((record, i) => {
    const options = optionsOf(record);
    if (Object.keys(options).length === 0)
      throw misfit(file, i, 'index, question, answer and options A, B ...', 'mmbench');
    return {
      id: required(file, i, 'index', 'mmbench'),
      question: required(file, i, 'question', 'mmbench'),
      options,
      letter: required(file, i, 'answer', 'mmbench').trim(),
      category: textField(record.category),
      ability: textField(record['l2-category']),
    };
  });
}

/** VLMEvalKit's table (`index`, `prediction`) or LLaVA's lines (`question_id`, `text`). */
export const mmbenchAnswers = (file: RecordFile): TextAnswer[] =>
  textAnswers(file, 'mmbench', ['prediction', 'text', 'response', 'output']);

function optionsOf(record: RawRecord): Options {
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].filter((letter) => {
    const text = record[letter];
    return (typeof text === 'string' && text !== '') || typeof text === 'number';
  });
  return Object.fromEntries(letters.map((letter) => [letter, String(record[letter])]));
}

const textField = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** What the judge is asked, so that another judge gives comparable answers; worded for this project. */
export function mmbenchPrompt({ question, options }: MmbenchQuestion, answer: string): string {
  const listed = Object.entries(options).map(([letter, text]) => `${letter}. ${text}`);
  return [
    'Below are a single-choice question, its options, and the answer that somebody gave in free text.',
    'Which option does the answer mean? Reply with that option’s letter and nothing else.',
    'Reply with Z if the answer means none of the options.',
    '',
    'Question: What animal is on the sofa?',
    'Options: A. dog B. cat C. parrot D. rabbit',
    'Answer: a sleeping kitten',
    'Letter: B',
    '',
    'Question: What animal is on the sofa?',
    'Options: A. dog B. cat C. parrot D. rabbit',
    'Answer: a cushion',
    'Letter: Z',
    '',
    `Question: ${question}`,
    `Options: ${listed.join(' ')}`,
    `Answer: ${answer}`,
    'Letter:',
  ].join('\n');
}

/** Answers whose option cannot be read: what a judge would be asked. */
export function unreadMmbenchAnswers(questions: readonly MmbenchQuestion[], answers: readonly TextAnswer[]) {
  const byId = new Map(answers.map((answer) => [answer.id, answer]));
  return questions.flatMap((question) => {
    const answer = byId.get(question.id);
    const isUnread = answer !== undefined && inferOption(answer.text, question.options) === undefined;
    return isUnread ? [{ question, answer }] : [];
  });
}

/**
 * `accuracy` is CircularEval's; `accuracyVanilla` is of the unrotated questions, `accuracyAllRotations` of every one by
 * itself.
 * @param matched options that a judge found, by the question's id
 */
export function scoreMmbench(
  questions: readonly MmbenchQuestion[],
  answers: readonly TextAnswer[],
  matched: ReadonlyMap<string, string> = new Map(),
): SuiteScore {
  const idOf = ({ id }: { id: string }) => id;
  const { pairs, counts, notes } = pairAnswers(questions, answers, idOf, idOf);
  let unread = 0;
  const judged = pairs.map(({ truth, answer }) => {
    const option = answer && (inferOption(answer.text, truth.options) ?? matched.get(truth.id));
    if (answer && option === undefined) unread++;
    return { truth, isRight: option === truth.letter };
  });
  const groups = [...groupBy(judged, ({ truth }) => groupOf(truth.id)).values()].map((rotations) => ({
    truth: rotations[0].truth,
    first: rotations.find(({ truth }) => truth.id === groupOf(truth.id)) ?? rotations[0],
    isRight: rotations.every(({ isRight }) => isRight),
  }));
  const circular = (own: typeof groups): Figures => ({
    accuracy: shareOf(own.map(({ isRight }) => isRight)),
    accuracyVanilla: shareOf(own.map(({ first }) => first.isRight)),
  });
  const byKind: Record<string, Figures> = {};
  for (const field of ['ability', 'category'] as const) {
    for (const [kind, own] of groupBy(groups, ({ truth }) => truth[field])) {
      if (kind !== undefined) byKind[kind] = circular(own);
    }
  }
  const matching = matched.size > 0 ? 'read from the text, else matched by a judge' : 'read from the text, else wrong';
  return {
    suite: 'mmbench',
    figures: { ...circular(groups), accuracyAllRotations: shareOf(judged.map(({ isRight }) => isRight)) },
    byKind,
    variant: {
      rule: groups.length === judged.length ? 'CircularEval; this truth has no rotations' : 'CircularEval (VLMEvalKit)',
      matching,
    },
    counts,
    notes: [
      ...notes,
      ...(unread > 0 ? [`${counted(unread, 'answer')} without a readable option counted as wrong`] : []),
    ],
  };
}

const groupOf = (id: string): string => (/^\d+$/.test(id) ? String(Number(id) % rotationStep) : id);
