/** What the studio holds: images, their boxes, the questions that were asked about them. */

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

export interface Raw {
  readonly answer: string;
  readonly tokens: readonly number[];
  readonly prompt_tokens: number;
  readonly ending: string;
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
  readonly status: 'waiting' | 'writing' | 'done' | 'cancelled' | 'failed';
  readonly error?: string;
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
  readonly status: 'new' | 'looking' | 'ready' | 'failed';
  readonly error?: string;
  readonly answers: readonly Answer[];
}

/** The model speaks about at most a hundred boxes. */
export const maxBoxes = 100;
/** The threshold that the server takes by default. */
export const defaultMinScore = 0.3;

/**
 * The boxes that are shown, and that questions are asked about: the index in this list is N of `<objN>`. What a person
 * drew is always among them.
 */
export function visibleBoxes({ boxes, minScore }: Pick<StudioImage, 'boxes' | 'minScore'>): readonly Box[] {
  const shown = boxes.filter(({ score, source }) => source === 'drawn' || score >= minScore);
  let room = maxBoxes - shown.filter(({ source }) => source === 'drawn').length;
  return shown.filter(({ source }) => source === 'drawn' || room-- > 0).slice(0, maxBoxes);
}

/** Whether the boxes are those that the server would find for a question without boxes. */
export const hasFoundBoxesOnly = ({ past, minScore }: Pick<StudioImage, 'past' | 'minScore'>): boolean =>
  past.length === 0 && minScore === defaultMinScore;

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
