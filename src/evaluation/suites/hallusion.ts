/**
 * HallusionBench (Guan et al. 2023): yes or no about figures and their altered copies.
 *
 * `vlmevalkit` (the default, and what the paper's table 4 reports): questions with an image, yes or no read from the
 * text, a figure or a question is right when all its answers are; the paper's number is the mean of the three
 * accuracies. `official` (tianyi-lab/HallusionBench): a judge finds each answer correct, incorrect or unclear; all
 * questions take part.
 */

import { groupBy } from '../metrics/group-by.ts';
import { misfit, required, textOf } from './answer-fields.ts';
import { pairAnswers } from './pair-answers.ts';
import type { RecordFile } from './record-files.ts';
import { counted, type Figures, meanOf, type SuiteScore, shareOf } from './suite-score.ts';
import { readYesNo } from './yes-no.ts';

export interface HallusionQuestion {
  readonly category: string;
  readonly subcategory: string;
  readonly setId: string;
  readonly figureId: string;
  readonly questionId: string;
  /** 0 without an image, 1 with the original, 2 with an altered one. */
  readonly visualInput: string;
  readonly question: string;
  readonly isYes: boolean;
  /** The answer in words, which the judge compares with. */
  readonly details: string;
}

type HallusionKey = Pick<HallusionQuestion, 'category' | 'subcategory' | 'setId' | 'figureId' | 'questionId'> & {
  readonly visualInput?: string;
};

export interface HallusionAnswer extends HallusionKey {
  readonly text: string;
}

/** What a judge found an answer to be. */
export type HallusionVerdict = 'correct' | 'incorrect' | 'unclear';

/** `HallusionBench.json`. */
export function hallusionQuestions(file: RecordFile): HallusionQuestion[] {
  return file.records.map((record, i) => ({
    ...keyFields(file, i),
    visualInput: required(file, i, 'visual_input', 'hallusion'),
    question: required(file, i, 'question', 'hallusion'),
    isYes: required(file, i, 'gt_answer', 'hallusion') === '1',
    details: textOf(record, ['gt_answer_details']) ?? '',
  }));
}

/** `HallusionBench_result.json`: the questions with `model_prediction`. */
export function hallusionAnswers(file: RecordFile): HallusionAnswer[] {
  return file.records.map((record, i) => {
    const text = textOf(record, ['model_prediction', 'prediction', 'response', 'text', 'output']);
    if (text === undefined) throw misfit(file, i, 'model_prediction', 'hallusion');
    return { ...keyFields(file, i), text };
  });
}

function keyFields(file: RecordFile, index: number): HallusionKey {
  return {
    category: required(file, index, 'category', 'hallusion'),
    subcategory: required(file, index, 'subcategory', 'hallusion'),
    setId: required(file, index, 'set_id', 'hallusion'),
    figureId: required(file, index, 'figure_id', 'hallusion'),
    questionId: required(file, index, 'question_id', 'hallusion'),
  };
}

/** A question's id: category, subcategory, set, figure and question. */
export const hallusionId = ({ category, subcategory, setId, figureId, questionId }: HallusionKey): string =>
  [category, subcategory, setId, figureId, questionId].join('_');

/** What a judge is asked, in the form of the official prompt; worded for this project. */
export function hallusionPrompt({ question, details }: HallusionQuestion, answer: string): string {
  return [
    'Compare an answer with the right one. Write "correct" if they agree, "incorrect" if they contradict each other, and',
    '"unclear" if the answer does not commit itself. Write this one word alone.',
    '',
    `Question: ${question}`,
    `Right answer: ${details}`,
    `Answer: ${answer}`,
    'Verdict:',
  ].join('\n');
}

/** As the official script reads it: the words may stand anywhere. */
export function readHallusionVerdict(reply: string): HallusionVerdict {
  const lower = reply.toLowerCase();
  if (lower.includes('incorrect')) return 'incorrect';
  return lower.includes('correct') ? 'correct' : 'unclear';
}

interface Judged {
  readonly truth: HallusionQuestion;
  readonly isRight: boolean;
}

/**
 * Scores with yes and no read from the text. An answer with both words or neither is wrong.
 * Figures: `aAcc` of questions, `fAcc` of figures, `qAcc` of questions over all their figures, and their `mean`.
 */
export function scoreHallusion(
  questions: readonly HallusionQuestion[],
  answers: readonly HallusionAnswer[],
): SuiteScore {
  const visual = questions.filter(({ visualInput }) => visualInput !== '0');
  const withImage = new Set(visual.map(hallusionId));
  const withoutImage = new Set(questions.filter(({ visualInput }) => visualInput === '0').map(hallusionId));
  const asked = answers.filter(
    (answer) => withImage.has(hallusionId(answer)) || !withoutImage.has(hallusionId(answer)),
  );
  const { pairs, counts, notes } = pairAnswers(visual, asked, hallusionId, hallusionId);
  const judged = pairs.map(({ truth, answer }) => ({
    truth,
    isRight: answer !== undefined && readYesNo(answer.text) === truth.isYes,
  }));
  const unread = pairs.filter(({ answer }) => answer && readYesNo(answer.text) === undefined).length;
  return {
    suite: 'hallusion',
    figures: accuracies(judged, judged),
    byKind: bySubcategory(judged, (own) => accuracies(own, own)),
    variant: {
      rule: 'vlmevalkit: exactly one of yes and no among the words; the questions with an image (VLMEvalKit, table 4)',
    },
    counts,
    notes: [
      ...notes,
      ...(unread > 0 ? [`${counted(unread, 'answer')} with both yes and no or neither counted as wrong`] : []),
    ],
  };
}

/**
 * Scores with a judge's verdicts. Without an image a model may say that it does not know: `unclear` is right there.
 * @param verdictOf the verdict on an answer
 */
export function scoreHallusionJudged(
  questions: readonly HallusionQuestion[],
  answers: readonly HallusionAnswer[],
  verdictOf: (question: HallusionQuestion, answer: HallusionAnswer) => HallusionVerdict,
): SuiteScore {
  const { pairs, counts, notes } = pairAnswers(questions, answers, hallusionId, hallusionId);
  const judged = pairs.map(({ truth, answer }) => {
    const verdict = answer && verdictOf(truth, answer);
    const mayNotKnow = truth.category === 'VS' && truth.figureId === '0';
    return { truth, isRight: verdict === 'correct' || (mayNotKnow && verdict === 'unclear') };
  });
  const figuresOf = (own: readonly Judged[]) =>
    accuracies(
      own,
      own.filter(({ truth }) => truth.category !== 'VS' || truth.figureId !== '0'),
    );
  return {
    suite: 'hallusion',
    figures: figuresOf(judged),
    byKind: bySubcategory(judged, figuresOf),
    variant: { rule: 'official: a judge compares with the answer in words; all questions (tianyi-lab/HallusionBench)' },
    counts,
    notes,
  };
}

/** @param ofFigures what counts for `fAcc`: questions that have a figure. */
function accuracies(judged: readonly Judged[], ofFigures: readonly Judged[]): Figures {
  const allRight = (part: readonly Judged[], keyOf: (question: HallusionQuestion) => string) =>
    shareOf([...groupBy(part, ({ truth }) => keyOf(truth)).values()].map((own) => own.every(({ isRight }) => isRight)));
  const prefix = ({ category, subcategory, setId }: HallusionQuestion) => `${category}_${subcategory}_${setId}`;
  const aAcc = shareOf(judged.map(({ isRight }) => isRight));
  const fAcc = allRight(ofFigures, (question) => `${prefix(question)}_${question.figureId}`);
  const qAcc = allRight(judged, (question) => `${prefix(question)}_${question.questionId}`);
  const three = [aAcc, fAcc, qAcc].flatMap((accuracy) => accuracy ?? []);
  return { aAcc, fAcc, qAcc, mean: three.length === 3 ? meanOf(three) : null };
}

function bySubcategory(
  judged: readonly Judged[],
  figuresOf: (own: readonly Judged[]) => Figures,
): Record<string, Figures> {
  const groups = groupBy(judged, ({ truth }) => `${truth.category} ${truth.subcategory}`);
  return Object.fromEntries([...groups].map(([kind, own]) => [kind, figuresOf(own)]));
}
