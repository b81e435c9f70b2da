/**
 * What the data engine knows about one image: from the line of a list to a finished annotation. All of it is plain
 * JSON.
 */

import type { BoxXyxy } from '../boxes/box.ts';

/** A question with its answer, as data sets of conversations store them. */
export interface GivenTurn {
  readonly question: string;
  readonly answer: string;
}

/** One line of the list that a run works through. */
export interface Entry {
  /** Its place in the list, from 0. The output has the order of the list. */
  readonly index: number;
  /** What a person knows it by: a path below the folder, or a URL. */
  readonly name: string;
  /** Path of the image file, relative to the root of the list. */
  readonly file?: string;
  /** Where to fetch the image when there is no file. */
  readonly url?: string;
  /** A caption to use in place of the captioner's. */
  readonly caption?: string;
  /** A conversation about the image: its answers are grounded in place of a caption. */
  readonly turns?: readonly GivenTurn[];
}

/** An image that was found worth annotating. */
export interface Item {
  /** SHA-256 of the image bytes, followed by that of the given texts, if there are any; hexadecimal. */
  readonly id: string;
  /** SHA-256 of the image bytes, hexadecimal. */
  readonly imageHash: string;
  /** Relative to the root of the list, or to the run's folder when it was downloaded. */
  readonly file: string;
  readonly isDownloaded: boolean;
  /** Of the upright image, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Perceptual hash, 16 hexadecimal digits; missing where given texts make copies of an image different entries. */
  readonly looks?: string;
}

/** A noun phrase of a text. */
export interface AnnotatedPhrase {
  /** Characters of the text, end excluded. */
  readonly start: number;
  readonly end: number;
  /** What the grounder is asked: without article and number. */
  readonly query: string;
  /** `descriptive` has three words or more (paper section 4.1). */
  readonly kind: 'category' | 'descriptive';
  /** How many things it means: a number, or any number from two. */
  readonly count: number | 'several';
  /** Indices into the annotation's regions; empty when the grounder found nothing. */
  readonly regions: readonly number[];
}

/** A caption, or an answer of a conversation. */
export interface AnnotatedText {
  readonly question?: string;
  readonly text: string;
  readonly phrases: readonly AnnotatedPhrase[];
}

export interface AnnotatedRegion {
  /** Pixels of the upright image, clipped to it. */
  readonly boxXyxy: BoxXyxy;
  /** The grounder's, in [0, 1]. */
  readonly score: number;
  /** The longest of the phrases that mean it. */
  readonly phrase: string;
  /** The head noun of its phrases. */
  readonly category: string;
  /** One sentence about it, given its phrase; missing when it was not asked for or did not fit. */
  readonly description?: string;
  /** What the writer found not to fit, and why: left out of what is trained on. */
  readonly rejected?: { readonly description: string; readonly reason: string };
  /** The same without the phrase, for measuring. */
  readonly plainDescription?: string;
  /** Five to ten words that tell it apart. */
  readonly referring?: string;
}

/** Something that a stage left out, and why. */
export interface Dropped {
  readonly stage: StageName;
  readonly what: string;
  readonly reason: string;
}

export interface Annotation {
  readonly texts: readonly AnnotatedText[];
  readonly regions: readonly AnnotatedRegion[];
  readonly dropped: readonly Dropped[];
}

export const stageNames = ['collect', 'caption', 'phrases', 'ground', 'describe', 'verify', 'rewrite'] as const;
export type StageName = (typeof stageNames)[number];

/** How an entry ended. Every entry of a finished run has exactly one of these three. */
export type Outcome = DoneOutcome | FilteredOutcome | FailedOutcome;

export interface DoneOutcome {
  readonly state: 'done';
  readonly index: number;
  readonly name: string;
  readonly item: Item;
  readonly annotation: Annotation;
}

/** Left out on purpose: too small, a duplicate, nothing to ground. Never tried again. */
export interface FilteredOutcome {
  readonly state: 'filtered';
  readonly index: number;
  readonly name: string;
  readonly stage: StageName;
  readonly reason: string;
  /** The text that was filtered, or of which the entry is a duplicate. */
  readonly detail?: string;
}

/** Put aside after its last try. */
export interface FailedOutcome {
  readonly state: 'failed';
  readonly index: number;
  readonly name: string;
  readonly stage: StageName;
  readonly reason: string;
  readonly message: string;
  readonly attempts: number;
}
