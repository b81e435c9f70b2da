/** What a reader of a data set's files is: options in, drafts of samples out, and faults told on the way. */

import type { z } from 'zod';
import type { VocabularyEntry } from './dataset.ts';
import type { Fault } from './faults.ts';
import type { Coverage, Region, Sample } from './sample.ts';

/**
 * A region as a file states it, not yet checked. Exactly one of the boxes is given; it may hold anything, and what is
 * not four finite numbers becomes a fault that shows it.
 */
export interface DraftRegion extends Omit<Region, 'boxXyxy'> {
  readonly boxXyxy?: unknown;
  readonly boxXywh?: unknown;
}

/**
 * A sample as a file states it. `finishSample` makes a sample of it: it looks for the image, clips and drops boxes, and
 * renumbers what refers to regions. Every `Sample` is a draft.
 */
export interface DraftSample extends Omit<Sample, 'regions'> {
  readonly regions: readonly DraftRegion[];
  /** Whether boxes are shares of the image's sides (YOLO, OpenImages); pixels by default. */
  readonly boxUnit?: 'pixel' | 'share';
  /** Names that the image file has in other copies of the data set, tried in turn where it does not exist. */
  readonly otherFiles?: readonly string[];
  /** Whether boxes reach out of the image on purpose, so that clipping one is no fault (CrowdHuman's full bodies). */
  readonly mayReachOut?: boolean;
}

/** What a reader is given beside its options. */
export interface ReaderContext {
  /** Counts a fault and lists it. */
  report(fault: Fault): void;
  /** Says what was decided on the way, such as which of two conventions the boxes follow; shown by `data inspect`. */
  note(text: string): void;
  /** The path of a file that an option names. */
  resolve(path: string): string;
  /** An empty folder for temporary files, made when it is first asked for and removed after reading. */
  scratch(): Promise<string>;
  /** Told how many bytes of the files have been read, for progress. */
  onBytes(count: number): void;
  /** Says which categories there are; to be called before reading ends. */
  setVocabulary(entries: readonly VocabularyEntry[]): void;
  readonly signal?: AbortSignal;
}

/** The files of a data set, for the name of its index and for progress. */
export interface SourceFiles {
  /** Annotation files, all of which are read. */
  readonly files: readonly string[];
  /** Folders of images: that files came or went is noticed. */
  readonly folders?: readonly string[];
  /** Folders whose files are read too: any change in one is noticed. */
  readonly trees?: readonly string[];
}

/** A format: how its files become samples. */
export interface Reader<Options = Record<string, unknown>> {
  readonly format: string;
  /** Raised when the same files give other samples than before; part of the name of an index. */
  readonly version: number;
  /** Checks options; the first one, `path`, is what a spec has after its colon. */
  readonly options: z.ZodType<Options>;
  /** Paths as the options give them; `resolve` gives the path of one on this machine. */
  sources(options: Options, resolve: (path: string) => string): SourceFiles | Promise<SourceFiles>;
  /** The folder that image files of drafts are relative to, as the options give it; absolute files by default. */
  imageFolder(options: Options): string | undefined;
  /** Whether images are looked for: samples whose image does not exist are then left out and reported. */
  hasImages(options: Options): boolean;
  read(options: Options, context: ReaderContext): AsyncIterable<DraftSample>;
}

/**
 * Infers the type of a reader's options from its schema.
 * @example
 * const options = z.strictObject({ path: z.string() });
 * export const reader = defineReader({ format: 'mine', version: 1, options, ... });
 */
export function defineReader<Options>(reader: Reader<Options>): Reader<Options> {
  return reader;
}

/** Everything that has no box is background for the coarse prompt, and categories that no region has are absent. */
export const completeCoverage: Coverage = { complete: ['coarse'], isClosed: true };

/** Nothing may be concluded from a label that is not there. */
export const openCoverage: Coverage = { complete: [], isClosed: false };
