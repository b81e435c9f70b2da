/**
 * LLaVA-Bench in the wild (Liu et al. 2023): a judge gives two scores of 1 to 10, first to GPT-4's answer, which knows
 * the image from words, then to the model's; the figure is the ratio of the two means. Official scripts:
 * haotian-liu/LLaVA llava/eval/eval_gpt_review_bench.py and summarize_gpt_review.py. Scores that cannot be read are -1
 * and -1 and are averaged in, there and here; how many is said.
 */

import { groupBy } from '../metrics/group-by.ts';
import { idOf, misfit, required, textOf } from './answer-fields.ts';
import { pairAnswers } from './pair-answers.ts';
import { isRecord, type RecordFile } from './record-files.ts';
import { counted, type Figures, meanOf, type SuiteScore } from './suite-score.ts';

export interface LlavaReview {
  readonly id: string;
  /** conv, detail, complex; missing in reviews of text alone. */
  readonly kind?: string;
  readonly first: number;
  readonly second: number;
}

export interface LlavaQuestion {
  readonly id: string;
  readonly image: string;
  readonly text: string;
  readonly kind: string;
}

/** What the judge needs beside the model's answer. */
export interface LlavaTruth {
  readonly questions: readonly LlavaQuestion[];
  /** The image in words, by image. */
  readonly captions: ReadonlyMap<string, string>;
  /** GPT-4's answers, by the question's id. */
  readonly references: ReadonlyMap<string, string>;
  readonly rules: ReadonlyMap<string, LlavaRule>;
}

export interface LlavaRule {
  readonly role: string;
  readonly prompt: string;
}

/** Scores that could not be read. */
export const UNREAD = -1;

/** Reviews as the official scripts write them: `{ question_id, category, tuple }`, or `score` in reviews of text. */
export function llavaReviews(file: RecordFile): LlavaReview[] {
  return file.records.map((record, i) => {
    const scores = record.tuple ?? record.score;
    const isPair = Array.isArray(scores) && scores.length === 2 && scores.every((score) => typeof score === 'number');
    if (!isPair) throw misfit(file, i, 'question_id and tuple (two scores)', 'llava-wild');
    const kind = typeof record.category === 'string' ? record.category.replace(/^llava_bench_/, '') : undefined;
    return { id: required(file, i, 'question_id', 'llava-wild'), kind, first: scores[0], second: scores[1] };
  });
}

export const holdsReviews = ({ records }: RecordFile): boolean =>
  records.length > 0 && records.every((record) => Array.isArray(record.tuple) || Array.isArray(record.score));

/**
 * Questions, captions, reference answers and rules out of several files, told apart by their fields: `questions.jsonl`
 * (category), `context.jsonl` (caption), `answers_gpt4.jsonl`, and LLaVA's `rule.json` for its own wording.
 * @throws ChatRexError 'invalid-file' when one of the first three is missing
 */
export function llavaTruth(files: readonly RecordFile[]): LlavaTruth {
  const questions: LlavaQuestion[] = [];
  const captions = new Map<string, string>();
  const references = new Map<string, string>();
  const rules = new Map<string, LlavaRule>(defaultRules);
  for (const file of files) {
    file.records.forEach((record, i) => {
      const { caption, prompt, role } = record;
      if (typeof prompt === 'string' && typeof role === 'string') {
        rules.set(String(record.id).replace(/^llava_bench_/, ''), { role, prompt });
      } else if (caption !== undefined) {
        captions.set(
          required(file, i, 'image', 'llava-wild'),
          Array.isArray(caption) ? caption.join('\n') : String(caption),
        );
      } else if (typeof record.category === 'string' && typeof record.image === 'string') {
        const text = textOf(record, ['text', 'question']) ?? '';
        const kind = record.category.replace(/^llava_bench_/, '');
        questions.push({ id: required(file, i, 'question_id', 'llava-wild'), image: record.image, text, kind });
      } else {
        const [id, text] = [idOf(record), textOf(record, ['text', 'answer', 'response'])];
        if (id === undefined || text === undefined) {
          throw misfit(file, i, 'questions, context, reference answers or rules of LLaVA-Bench', 'llava-wild');
        }
        references.set(id, text);
      }
    });
  }
  const parts = {
    'questions.jsonl': questions.length,
    'context.jsonl': captions.size,
    'answers_gpt4.jsonl': references.size,
  };
  const missing = Object.entries(parts).flatMap(([name, count]) => (count === 0 ? [name] : []));
  if (missing.length > 0) {
    const paths = files.map(({ path }) => path).join(', ');
    throw misfit(
      { path: paths, records: files[0]?.records.filter(isRecord) ?? [] },
      0,
      `files that hold ${missing.join(' and ')}`,
      'llava-wild',
    );
  }
  return { questions, captions, references, rules };
}

/** In the form of the official rules, worded for this project. */
const rule: LlavaRule = {
  role: 'Assistant',
  prompt: [
    'Two assistants answered the question above about an image, which you know from the description in [Context].',
    'Judge how helpful, relevant, accurate and detailed each answer is. Give each a score from 1 to 10; higher is better.',
    'Write on the first line the two scores and nothing else, the first assistant’s, a space, the second one’s.',
    'Explain your scores on the lines below. Do not let the order of the answers decide.',
  ].join('\n'),
};

const defaultRules: readonly (readonly [string, LlavaRule])[] = ['conv', 'detail', 'complex'].map((kind) => [
  kind,
  rule,
]);

/** What the judge is asked about one answer. */
export function llavaPrompt(truth: LlavaTruth, question: LlavaQuestion, answer: string): string {
  const { role, prompt } = truth.rules.get(question.kind) ?? rule;
  const part = (number: number, text: string) => `[${role} ${number}]\n${text}\n\n[End of ${role} ${number}]\n\n`;
  return [
    `[Context]\n${truth.captions.get(question.image) ?? ''}\n\n[Question]\n${question.text}\n\n`,
    part(1, truth.references.get(question.id) ?? ''),
    part(2, answer),
    `[System]\n${prompt}\n\n`,
  ].join('');
}

/** Two scores from the first line of a review, with a space or a comma between; -1 and -1 where they cannot be read. */
export function readLlavaScores(review: string): [first: number, second: number] {
  const parts = review.split('\n', 1)[0].replaceAll(',', ' ').split(' ');
  const scores = parts.map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  return scores.length === 2 && scores.every(Number.isFinite) ? [scores[0], scores[1]] : [UNREAD, UNREAD];
}

/**
 * `ratio` is the second mean by the first in percent, `first` and `second` the means x 10, as the official summary
 * prints them.
 */
export function scoreLlavaWild(reviews: readonly LlavaReview[]): SuiteScore {
  const idOfReview = ({ id }: { id: string }) => id;
  // Reviews say themselves which questions there are.
  const questions = [...new Map(reviews.map((review) => [review.id, review])).values()];
  const { pairs, counts, notes } = pairAnswers(questions, reviews, idOfReview, idOfReview);
  const given = pairs.flatMap(({ answer }) => answer ?? []);
  const unread = given.filter(({ first, second }) => first === UNREAD && second === UNREAD).length;
  const byKind: Record<string, Figures> = {};
  for (const [kind, own] of groupBy(given, (review) => review.kind))
    if (kind !== undefined) byKind[kind] = figuresOf(own);
  return {
    suite: 'llava-wild',
    figures: figuresOf(given),
    byKind,
    variant: { rule: 'ratio of the means of the second and the first score (LLaVA summarize_gpt_review.py)' },
    counts,
    notes: [
      ...notes,
      ...(unread > 0 ? [`${counted(unread, 'review')} without readable scores averaged in as -1 and -1`] : []),
    ],
  };
}

function figuresOf(reviews: readonly LlavaReview[]): Figures {
  const first = meanOf(reviews.map((review) => review.first));
  const second = meanOf(reviews.map((review) => review.second));
  if (first === null || second === null) return { ratio: null, first: null, second: null };
  return { ratio: first === 0 ? null : (100 * second) / first, first: 10 * first, second: 10 * second };
}
