/**
 * MMMU (Yue et al. 2024), validation split: 900 questions of 30 subjects, multiple choice and open; the figure is the
 * share of all questions. Rules: `official` (MMMU-Benchmark/MMMU) guesses with Python's random numbers from seed 42
 * where it finds no option; `vlmevalkit`, which the paper's table 4 reports, counts that as wrong and makes two options
 * of an open question.
 */

import { groupBy } from '../metrics/group-by.ts';
import { misfit, required, textOf } from './answer-fields.ts';
import { inferOption } from './infer-option.ts';
import { isOpenRight, type Options, readChoice, readOpen } from './mmmu-parse.ts';
import { subjectOf, subjectsByDomain } from './mmmu-subjects.ts';
import { pairAnswers } from './pair-answers.ts';
import { PythonRandom } from './python-random.ts';
import { isRecord, type RawRecord, type RecordFile } from './record-files.ts';
import { counted, type Figures, type SuiteScore, shareOf } from './suite-score.ts';

export interface MmmuQuestion {
  readonly id: string;
  readonly isOpen: boolean;
  /** A letter, or the texts that are right. */
  readonly truths: readonly string[];
  /** Missing where the file holds letters alone. */
  readonly options?: Options;
}

export interface MmmuAnswer {
  readonly id: string;
  readonly text: string;
}

export type MmmuRule = 'official' | 'vlmevalkit';

export const mmmuRules: Readonly<Record<MmmuRule, string>> = {
  official: 'letters and open answers as read by MMMU, which guesses with seed 42 where it finds no option',
  vlmevalkit: 'an option that cannot be told is wrong; open questions become "the answer" or "Other Answers"',
};

/** `answer_dict_val.json` (`{ id: { question_type, ground_truth } }`), or outputs that hold question and answer. */
export function mmmuQuestions(file: RecordFile): MmmuQuestion[] {
  return file.records.map((record, i) => {
    const truth = record.ground_truth ?? record.answer;
    const truths = Array.isArray(truth) ? truth.map(String) : truth === undefined ? [] : [String(truth)];
    if (truths.length === 0) throw misfit(file, i, 'ground_truth or answer', 'mmmu');
    return {
      id: required(file, i, 'id', 'mmmu'),
      isOpen: required(file, i, 'question_type', 'mmmu') !== 'multiple-choice',
      truths,
      options: optionsOf(record),
    };
  });
}

/** `total_val_output.json` (`{ id: answer }`) or a subject's `output.json` (`[{ id, response }]`). */
export function mmmuAnswers(file: RecordFile): MmmuAnswer[] {
  return file.records.map((record, i) => {
    const text = textOf(record, ['response', 'prediction', 'value', 'text', 'output', 'parsed_pred']);
    if (text === undefined) throw misfit(file, i, 'an answer by id, or id and response', 'mmmu');
    return { id: required(file, i, 'id', 'mmmu'), text };
  });
}

function optionsOf({ index2ans }: RawRecord): Options | undefined {
  if (!isRecord(index2ans) || Object.keys(index2ans).length === 0) return undefined;
  return Object.fromEntries(Object.entries(index2ans).map(([letter, text]) => [letter, String(text)]));
}

/** @throws ChatRexError 'invalid-file' when nothing fits together; see `pairAnswers` */
export function scoreMmmu(
  questions: readonly MmmuQuestion[],
  answers: readonly MmmuAnswer[],
  rule: MmmuRule = 'official',
): SuiteScore {
  const idOf = ({ id }: { id: string }) => id;
  const { pairs, counts, notes } = pairAnswers(questions, answers, idOf, idOf);
  const random = new PythonRandom(42);
  let guesses = 0;
  let bare = 0;
  const judged = pairs.map(({ truth, answer }) => {
    if (!answer) return { truth, isRight: false };
    if (!truth.isOpen && !truth.options && answer.text.trim().length > 1) bare++;
    if (rule === 'vlmevalkit') return { truth, isRight: isRightForVlmEvalKit(truth, answer.text) };
    if (truth.isOpen) return { truth, isRight: isOpenRight(readOpen(answer.text), truth.truths) };
    // Without the options there is nothing to read: the script for reduced answers compares letters.
    if (!truth.options) return { truth, isRight: truth.truths.includes(answer.text) };
    const letter = readChoice(answer.text, truth.options);
    if (letter === undefined) guesses++;
    return { truth, isRight: truth.truths.includes(letter ?? random.choice(Object.keys(truth.options))) };
  });
  const accuracy = (part: typeof judged) => shareOf(part.map(({ isRight }) => isRight));
  const byKind: Record<string, Figures> = {};
  const bySubject = groupBy(judged, ({ truth }) => subjectOf(truth.id));
  for (const [domain, subjects] of subjectsByDomain) {
    const own = subjects.flatMap((subject) => bySubject.get(subject) ?? []);
    if (own.length > 0) byKind[domain] = { accuracy: accuracy(own) };
  }
  for (const [subject, own] of bySubject) byKind[subject] = { accuracy: accuracy(own) };
  return {
    suite: 'mmmu',
    figures: {
      accuracy: accuracy(judged),
      accuracyMultipleChoice: accuracy(judged.filter(({ truth }) => !truth.isOpen)),
      accuracyOpen: accuracy(judged.filter(({ truth }) => truth.isOpen)),
    },
    byKind,
    variant: { rule: `${rule}: ${mmmuRules[rule]}`, mean: 'of all questions, not of the subjects' },
    counts,
    notes: [
      ...notes,
      ...(guesses > 0 ? [`${counted(guesses, 'answer')} named no option and got a guess, as this rule does`] : []),
      ...(bare > 0
        ? [`${counted(bare, 'answer')} longer than a letter compared as they are: the truth has no options`]
        : []),
    ],
  };
}

function isRightForVlmEvalKit({ isOpen, truths, options }: MmmuQuestion, text: string): boolean {
  if (isOpen) {
    // A table holds a list of right answers in Python's spelling.
    const right = truths.length === 1 ? truths[0] : `[${truths.map((truth) => `'${truth}'`).join(', ')}]`;
    return inferOption(text, { A: right, B: 'Other Answers' }) === 'A';
  }
  if (!options) return truths.includes(text.trim());
  return truths.includes(inferOption(text, options) ?? '');
}
