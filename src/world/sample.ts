/**
 * What training and evaluation read: questions and grounded answers about a scene.
 */

import type { Conversation } from '../datasets/sample.ts';
import type { Span, Turn } from '../grounding/grounded-text.ts';
import type { Phrasings } from '../prompt/phrasings.ts';
import type { Random } from '../random.ts';
import type { Scene } from './scene.ts';

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

/** What a question about regions asks. */
export type RegionQuestion =
  | 'colour'
  | 'colourOf'
  | 'isA'
  | 'exists'
  | 'where'
  | 'relation'
  | 'isRelated'
  | 'larger'
  | 'contents'
  | 'howManyHeld'
  | 'neighbour';

/** How much a region caption says. */
export type RegionCaptionStyle = 'category' | 'phrase' | 'brief' | 'sentence' | 'referring';

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

/** Makes one conversation of a task, or null when the scene does not lend itself to it. */
export type TaskMaker = (context: TaskContext) => Conversation | null;

/** Turns as a conversation of a task. */
export function toConversation(task: WorldTask, turns: readonly Turn[], style?: RegionCaptionStyle): Conversation {
  return { task, ...(style && { style }), turns };
}

export function text(words: string): Span {
  return { kind: 'text', text: words };
}

export function phrase(words: string, objects: readonly number[]): Span {
  return { kind: 'phrase', text: words, objects: [...objects] };
}
