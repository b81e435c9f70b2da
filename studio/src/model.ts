/** What the studio holds: images, their boxes, the questions that were asked about them. */

import type { SentTurn } from './conversation.ts';
import { withoutOverlap } from './overlap.ts';

/** x1, y1, x2, y2 in pixels of the upright image. */
export type BoxXyxy = readonly [number, number, number, number];

export type Granularity = 'fine' | 'coarse' | 'both';

export interface Box {
  /** Unique in its image, and kept when the box is moved. */
  readonly id: string;
  readonly box: BoxXyxy;
  /** 1 for boxes that a person drew. */
  readonly score: number;
  readonly source: 'found' | 'drawn';
  readonly label?: string;
}

export interface Phrase {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** Ids of boxes. */
  readonly boxes: readonly string[];
}

/** A piece of what the model read. */
export type PromptPart =
  | { readonly kind: 'text'; readonly text: string; readonly tokens: readonly number[] }
  | { readonly kind: 'image'; readonly positions: number }
  | { readonly kind: 'object'; readonly index: number };

export interface Raw {
  readonly answer: string;
  readonly tokens: readonly number[];
  readonly prompt_tokens: number;
  /** Missing in sessions of earlier versions. */
  readonly prompt?: readonly PromptPart[];
  readonly ending: 'end' | 'stop' | 'length' | 'loop';
}

export type Task = 'ask' | 'detect' | 'count' | 'describe' | 'caption';

/** One question and what came of it. */
export interface Answer {
  readonly id: string;
  readonly task: Task;
  /** What the person typed or chose. */
  readonly asked: string;
  /** What the model was asked. */
  readonly question: string;
  readonly text: string;
  readonly phrases: readonly Phrase[];
  /** Boxes in the order in which the model knew them, by id. */
  readonly boxes: readonly string[];
  /** The boxes that went with the question; missing when the model found them itself. */
  readonly given?: readonly BoxXyxy[];
  readonly givenScores?: readonly number[];
  readonly granularity: Granularity;
  /** How captions are worded. */
  readonly style?: string;
  /** Earlier questions and answers that went with it. */
  readonly turns?: readonly SentTurn[];
  readonly status: 'waiting' | 'writing' | 'done' | 'cancelled' | 'failed';
  readonly error?: string;
  /** Whether the conversation was too long for the model. */
  readonly isTooLong?: boolean;
  readonly firstWordMs?: number;
  readonly totalMs?: number;
  /** Whether the server had the image from an earlier question. */
  readonly isCached?: boolean;
  readonly raw?: Raw;
}

export interface StudioImage {
  readonly id: string;
  readonly name: string;
  readonly file: Blob;
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Box[];
  readonly past: readonly (readonly Box[])[];
  readonly future: readonly (readonly Box[])[];
  readonly granularity: Granularity;
  readonly minScore: number;
  /** Of two found boxes that overlap by more than this (IoU) the better one is shown; 1 shows both. */
  readonly maxOverlap: number;
  /** The threshold that the server takes by default; known when it has looked. */
  readonly usualScore?: number;
  /** Which kinds of boxes its network tells apart. */
  readonly kinds?: readonly string[];
  readonly status: 'new' | 'looking' | 'ready' | 'failed';
  readonly error?: string;
  readonly answers: readonly Answer[];
}

/** The model speaks about at most a hundred boxes. */
export const maxBoxes = 100;
/** Before the server has told which threshold it takes. */
export const firstMinScore = 0.3;

/**
 * The boxes that are shown, and that questions are asked about: the index in this list is N of `<objN>`. What a person
 * drew is always among them.
 */
export function visibleBoxes(image: Pick<StudioImage, 'boxes' | 'minScore' | 'maxOverlap'>): readonly Box[] {
  const { boxes, minScore, maxOverlap } = image;
  const known = visible.get(boxes);
  if (known?.minScore === minScore && known.maxOverlap === maxOverlap) return known.shown;
  const isDrawn = ({ source }: Box) => source === 'drawn';
  const found = boxes.filter((box) => !isDrawn(box) && box.score >= minScore);
  const room = Math.max(0, maxBoxes - boxes.filter(isDrawn).length);
  const kept = new Set(withoutOverlap(found, maxOverlap).slice(0, room));
  const shown = boxes.filter((box) => isDrawn(box) || kept.has(box)).slice(0, maxBoxes);
  visible.set(boxes, { minScore, maxOverlap, shown });
  return shown;
}

/** Every view asks for them at every change. */
const visible = new WeakMap<readonly Box[], { minScore: number; maxOverlap: number; shown: readonly Box[] }>();

/** Whether the boxes are those that the server would find for a question without boxes. */
export const hasFoundBoxesOnly = (
  image: Pick<StudioImage, 'past' | 'minScore' | 'maxOverlap' | 'usualScore'>,
): boolean => image.past.length === 0 && image.minScore === image.usualScore && image.maxOverlap === 1;

/**
 * `<objN>` in a question follow their boxes when the list of boxes changes; the names of boxes that are gone go too.
 */
export function renumber(question: string, before: readonly Box[], after: readonly Box[]): string {
  return question.replace(/<obj(\d+)>/g, (name, digits) => {
    const box = before[Number(digits)];
    if (!box) return name;
    const index = after.findIndex(({ id }) => id === box.id);
    return index < 0 ? '' : `<obj${index}>`;
  });
}

let last = 0;
/** Unique in this browser, across reloads. */
export const newId = (): string => `${Date.now().toString(36)}-${(last++).toString(36)}`;
