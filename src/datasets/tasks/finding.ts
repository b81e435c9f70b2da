/**
 * Finding things by category, by a phrase, by an expression: the answer repeats what was asked, each with its objects.
 */

import type { GroundedText } from '../../grounding/grounded-text.ts';
import { askAbout } from '../../prompt/phrasings.ts';
import type { Conversation, PhraseKind } from '../sample.ts';
import { absentNames, completeCategories, regionsNamed, type TaskContext } from './known.ts';

interface Asked {
  readonly words: string;
  readonly regions: readonly number[];
}

const mostNames = 8;

/** One or several categories of the image, and often some that are absent: a user does not know which they are. */
export function detection(context: TaskContext): Conversation | null {
  const { sample, random } = context;
  const wanted = random.chance(0.4) ? 1 : random.int(2, mostNames);
  const present = random.shuffle(completeCategories(sample)).slice(0, wanted);
  const absent = random.weighted([
    [0, 45],
    [1, 25],
    [2, 15],
    [5, 15],
  ]);
  return findNames(context, 'detection', random.chance(0.12) ? [] : present, absent);
}

/** Rare categories of the image, or a rare one that is absent. */
export function longTailDetection(context: TaskContext): Conversation | null {
  const { sample, vocabulary, random } = context;
  const rare = vocabulary.filter(({ frequency }) => frequency === 'r');
  const names = new Set(rare.map(({ name }) => name));
  const present = completeCategories(sample).filter((name) => names.has(name));
  if (rare.length === 0) return null;
  const isAbsentAsked = present.length === 0 || random.chance(0.2);
  return findNames(
    { ...context, vocabulary: rare },
    'long-tail-detection',
    random.shuffle(present).slice(0, random.int(1, 4)),
    isAbsentAsked ? 1 : 0,
  );
}

function findNames(
  context: TaskContext,
  task: string,
  present: readonly string[],
  absent: number,
): Conversation | null {
  const wanted = present.length === 0 ? Math.max(1, absent) : absent;
  const asked = [
    ...present.map((words) => ({ words, regions: regionsNamed(context.sample, words) })),
    ...absentNames(context, wanted).map((words) => ({ words, regions: [] })),
  ];
  return asked.length === 0 ? null : find(context, task, context.random.shuffle(asked));
}

/** A short phrase, or two. */
export const phraseGrounding = (context: TaskContext): Conversation | null =>
  findPhrases(context, 'phrase-grounding', 'phrase', context.random.chance(0.6) ? 1 : 2);

/** An expression that means particular objects. */
export const referring = (context: TaskContext): Conversation | null =>
  findPhrases(context, 'referring', 'referring', 1);

function findPhrases(context: TaskContext, task: string, kind: PhraseKind, most: number): Conversation | null {
  const { sample, random } = context;
  const asked = new Map<string, Asked>();
  for (const { text, regions, kind: own } of random.shuffle(sample.phrases)) {
    if (own !== kind || regions.some((region) => sample.regions[region].isIgnored)) continue;
    asked.set(text, { words: text, regions });
    if (asked.size === most) break;
  }
  return asked.size === 0 ? null : find(context, task, [...asked.values()]);
}

function find({ random, wordings }: TaskContext, task: string, asked: readonly Asked[]): Conversation {
  const names = asked.map(({ words }) => words);
  const answer = asked.flatMap(
    ({ words, regions }, at): GroundedText => [
      ...(at > 0 ? [{ kind: 'text' as const, text: '\n' }] : []),
      { kind: 'phrase', text: words, objects: [...regions] },
    ],
  );
  return { task, turns: [{ question: askAbout('detect', names, wordings, random), answer }] };
}
