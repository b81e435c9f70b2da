/**
 * One sample of any data set: an image, what is annotated in it, and what the annotation promises. Plain JSON, so
 * that a sample, a line of our own JSON Lines and a message to a worker are the same thing.
 */

import type { BoxXyxy } from '../boxes/box.ts';
import type { Turn } from '../grounding/grounded-text.ts';
import type { ImageSize } from '../image/rgb-image.ts';
import type { Granularity } from '../proposals/network.ts';

export interface Sample {
  /** The same on every machine: caches, predictions and faults are keyed by it. Unique in its data set. */
  readonly id: string;
  /** Missing for text alone (parts of ALLaVA and LLaVA). */
  readonly image?: ImageRef;
  readonly regions: readonly Region[];
  readonly phrases: readonly Phrase[];
  /** As stored in the data set; spans name regions by index. `datasets/tasks` makes more from regions and phrases. */
  readonly conversations: readonly Conversation[];
  readonly coverage: Coverage;
}

/** Where the encoded bytes of an image are: a file, or a range of one (TSV, uncompressed tar). */
export interface ImageRef {
  /** Absolute, or relative to the data root of the set; a name for images that the data set draws (RexWorld). */
  readonly file: string;
  /** Bytes of the file, end excluded. */
  readonly range?: readonly [start: number, end: number];
  /** Whether the bytes are base64 text (TSV files). */
  readonly isBase64?: boolean;
  /** Where the annotations state it; files say it otherwise. */
  readonly size?: ImageSize;
}

export interface Region {
  /** Clipped to the image. */
  readonly boxXyxy: BoxXyxy;
  /** A name of the vocabulary; missing where boxes are class-agnostic (SA-1B). */
  readonly category?: string;
  /** The prompts of the proposal network that this region is an answer to. */
  readonly granularities: readonly Granularity[];
  /** Crowd, group-of, illegible, mask: may be found any number of times and teaches nothing. */
  readonly isIgnored?: boolean;
  /** What is known of it: `{ color: 'red' }`. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** Square pixels of the mask, where there is one. */
  readonly areaPixels?: number;
  /** Index of the region that this one is a part of. */
  readonly partOf?: number;
  /** Confidence in [0, 1] of pseudo labels. */
  readonly score?: number;
  /** The annotation's id in the source, for writers and error messages. */
  readonly sourceId?: string;
}

/** Words and the regions that they mean: RefCOCO one, HumanRef several, an LVIS negative none, a region caption one. */
export interface Phrase {
  readonly text: string;
  readonly regions: readonly number[];
  readonly kind: PhraseKind;
}

export type PhraseKind = 'name' | 'phrase' | 'referring' | 'description';

/** What may be concluded from a label that is not there. Losses, negatives and scores rely on nothing else. */
export interface Coverage {
  /** Prompts for which everything without a box is background. */
  readonly complete: readonly Granularity[];
  /**
   * Whether a category of the vocabulary that no region has is absent (COCO). Otherwise only phrases without regions
   * are.
   */
  readonly isClosed: boolean;
  /** Categories of which there may be more than are annotated (LVIS `not_exhaustive_category_ids`). */
  readonly partialCategories?: readonly string[];
}

export type { Turn };

/** Questions and answers about one image; spans name its regions by index. */
export interface Conversation {
  /** A task of `datasets/tasks`, or `conversation`. */
  readonly task: string;
  /** How much a region caption says. */
  readonly style?: string;
  readonly turns: readonly Turn[];
}
