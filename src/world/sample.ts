/**
 * What training and evaluation read: questions and grounded answers about a scene.
 */

import type { GroundedText, Span } from '../grounding/grounded-text.ts';
import type { Random } from '../random.ts';
import type { Phrasings } from './phrasings.ts';
import type { Scene } from './scene.ts';
import type { RegionQuestion } from './tasks/region-qa.ts';

/** The ten tasks of the paper (section 4.2, tables 7 and 8). */
export const WORLD_TASKS = [
  'detection',
  'long-tail-detection',
  'phrase-grounding',
  'referring',
  'region-caption',
  'region-qa',
  'brief-caption',
  'detailed-caption',
  'counting',
  'conversation',
] as const;

export type WorldTask = (typeof WORLD_TASKS)[number];

/** How much a region caption says. */
export type RegionCaptionStyle = 'category' | 'phrase' | 'brief' | 'sentence' | 'referring';

/**
 * One question with its answer. Spans name objects of the scene by index; in a question a phrase span without text
 * stands for a region. A phrase of an answer with no objects says that nothing fits it.
 */
export interface WorldTurn {
  readonly question: GroundedText;
  readonly answer: GroundedText;
  /** The bare fact for exact scoring where there is one: a category, a number word, a colour, yes or no. */
  readonly expected?: string;
  /** What a question about regions asks. */
  readonly kind?: RegionQuestion;
}

export interface Sample {
  readonly task: WorldTask;
  readonly style?: RegionCaptionStyle;
  readonly turns: readonly WorldTurn[];
  /** Objects of the scene that the turns name, ascending. */
  readonly objects: readonly number[];
}

/** What every task gets: the scene, its choices, and which wordings it may use. */
export interface TaskContext {
  readonly scene: Scene;
  readonly random: Random;
  readonly phrasings: Phrasings;
  /** The style of region captions; any by default. */
  readonly regionStyle?: RegionCaptionStyle;
  /** The kinds of questions about regions; any by default. */
  readonly regionQuestions?: readonly RegionQuestion[];
}

/** Makes one sample of a task, or null when the scene does not lend itself to it. */
export type TaskMaker = (context: TaskContext) => Sample | null;

/** A sample with the objects that its turns name. */
export function toSample(task: WorldTask, turns: readonly WorldTurn[], style?: RegionCaptionStyle): Sample {
  const spans = turns.flatMap(({ question, answer }) => [...question, ...answer]);
  const named = spans.flatMap((span) => (span.kind === 'phrase' ? span.objects : []));
  return { task, ...(style && { style }), turns, objects: [...new Set(named)].sort((a, b) => a - b) };
}

export function text(words: string): Span {
  return { kind: 'text', text: words };
}

export function phrase(words: string, objects: readonly number[]): Span {
  return { kind: 'phrase', text: words, objects: [...objects] };
}
