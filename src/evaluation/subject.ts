/** Whom suites ask. A model in this process and an endpoint elsewhere are subjects alike; each can some of this. */

import type { BoxXyxy } from '../boxes/box.ts';
import type { RgbImage } from '../image/rgb-image.ts';
import type { FilterOptions, Proposals } from '../proposals/post-process.ts';
import type { ProposeOptions } from '../proposals/proposal-network.ts';
import type { SampleView } from './sample-view.ts';

/** A box that was named. */
export interface FoundBox {
  /** As the answer names it. */
  readonly label: string;
  /** Pixels of the original image. */
  readonly boxXyxy: BoxXyxy;
  /** 1 where the subject gives none. */
  readonly score: number;
}

/** An answer with boxes. */
export interface FoundBoxes {
  readonly boxes: readonly FoundBox[];
  /** The answer in words, as a reader sees it or as it came. */
  readonly text: string;
  /** Boxes of names that were not asked for, which `boxes` does not have. */
  readonly strays?: number;
  /** Objects or boxes of the answer that could not be read. */
  readonly malformed?: number;
  /** Whether the answer was cut for its length, or for repeating itself. */
  readonly isCut?: boolean;
}

export interface FindsProposals {
  propose(view: SampleView, options: FilterOptions & Pick<ProposeOptions, 'granularity'>): Promise<Proposals>;
}

export interface Detects {
  /** Finds all that is called by these names; a name may have no box. */
  detect(view: SampleView, names: readonly string[], signal?: AbortSignal): Promise<FoundBoxes>;
}

export interface Refers {
  /**
   * Finds what a phrase means, most likely first.
   * @param amongXyxy boxes to choose from, at most 100; those that the subject finds by default
   */
  refer(view: SampleView, phrase: string, signal?: AbortSignal, amongXyxy?: readonly BoxXyxy[]): Promise<FoundBoxes>;
}

export interface Counts {
  /** Says how many there are of a name. `boxes` are those that the answer shows, which may be none. */
  count(view: SampleView, name: string, signal?: AbortSignal): Promise<FoundBoxes>;
}

export interface NamesRegions {
  /**
   * Names one of several boxes.
   * @param boxesXyxy at most 100, all shown to the subject
   * @param box index of the one in question
   */
  nameRegion(view: SampleView, boxesXyxy: readonly BoxXyxy[], box: number, signal?: AbortSignal): Promise<string>;
}

export interface Answers {
  /**
   * Answers a question about the image in words.
   * @param more the images after the first, of a question that names its images `<image 1>`, `<image 2>` ...: each
   *   goes where the text names it. Without it the text is taken as it is
   */
  answer(
    view: SampleView,
    question: string,
    signal?: AbortSignal,
    more?: readonly (() => Promise<RgbImage>)[],
  ): Promise<string>;
}
