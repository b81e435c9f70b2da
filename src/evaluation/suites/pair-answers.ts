/**
 * Finds the answer to each sample, and says aloud which are missing, given twice, or for samples that are not there.
 */

import { ChatRexError } from '../../errors.ts';
import { type AnswerCounts, counted } from './suite-score.ts';

export interface Paired<Truth, Answer> {
  /** One per sample, in the order of the truth; an answer that is missing is undefined. */
  readonly pairs: readonly { readonly truth: Truth; readonly answer: Answer | undefined }[];
  readonly counts: AnswerCounts;
  readonly notes: readonly string[];
}

/** A few keys in a message are enough to see what they are of, and so is the beginning of each. */
const shownKeys = 3;
const shownLength = 40;

function shown(keys: readonly string[]): string {
  const few = keys
    .slice(0, shownKeys)
    .map((key) => (key.length > shownLength ? `${key.slice(0, shownLength)}...` : key));
  return keys.length > shownKeys ? `${few.join(', ')}, ...` : few.join(', ');
}

/**
 * Pairs samples and answers by key.
 * @throws ChatRexError 'invalid-file' when there are no samples, when two have one key, or when no answer is of any of
 *   the samples: then the
 * two files belong to different suites or splits.
 */
export function pairAnswers<Truth, Answer>(
  truths: readonly Truth[],
  answers: readonly Answer[],
  keyOfTruth: (truth: Truth) => string,
  keyOfAnswer: (answer: Answer) => string,
): Paired<Truth, Answer> {
  if (truths.length === 0) {
    throw new ChatRexError('invalid-file', 'the truth has no samples; give a file of the suite with at least one');
  }
  const keys = truths.map(keyOfTruth);
  const known = new Set(keys);
  if (known.size < keys.length) {
    const twice = keys.find((key, i) => keys.indexOf(key) < i);
    throw new ChatRexError('invalid-file', `the truth has sample '${twice}' twice; every sample needs its own id`);
  }
  const byKey = new Map<string, Answer>();
  const repeated: string[] = [];
  const unknown: string[] = [];
  for (const answer of answers) {
    const key = keyOfAnswer(answer);
    if (!known.has(key)) unknown.push(key);
    else if (byKey.has(key)) repeated.push(key);
    else byKey.set(key, answer);
  }
  if (byKey.size === 0) {
    const asked = shown(keys);
    const came = answers.length === 0 ? 'no answer at all' : `answers to ${shown(unknown)}`;
    const advice = 'give the truth of the same suite and split';
    throw new ChatRexError('invalid-file', `no answer is of a sample of the truth (${asked}), came ${came}; ${advice}`);
  }
  const missing = keys.filter((key) => !byKey.has(key));
  return {
    pairs: truths.map((truth, i) => ({ truth, answer: byKey.get(keys[i]) })),
    counts: {
      samples: truths.length,
      answered: byKey.size,
      missing: missing.length,
      repeated: repeated.length,
      unknown: unknown.length,
    },
    notes: [
      ...aloud(missing, 'sample', 'without an answer counted as wrong'),
      ...aloud(repeated, 'answer', 'to a sample that was answered before left out'),
      ...aloud(unknown, 'answer', 'to an unknown sample left out'),
    ],
  };
}

function aloud(keys: readonly string[], noun: string, what: string): string[] {
  if (keys.length === 0) return [];
  return [`${counted(keys.length, noun)} ${what}: ${shown(keys)}`];
}
