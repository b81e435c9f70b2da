/** What the engine asks of models, role by role. A role is a ChatRex folder, an endpoint, or a caller's own object. */

import type { BoxXyxy } from '../../boxes/box.ts';
import type { ItemCalls } from './calls.ts';

/** The image that a call is about. */
export interface ImageView {
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** Hash of the bytes. */
  readonly hash: string;
  readonly calls: ItemCalls;
  readonly signal: AbortSignal;
}

export interface GroundedBox {
  /** Pixels of the upright image, as the model gave it. */
  readonly boxXyxy: BoxXyxy;
  /** In [0, 1]; 1 when the model gives none. */
  readonly score: number;
}

/** A region among those of its image. */
export interface RegionView {
  /** All regions of the image, and which of them is meant. */
  readonly boxesXyxy: readonly BoxXyxy[];
  readonly region: number;
  readonly phrase: string;
}

export interface Captioner {
  /** One sentence about the image. */
  caption(image: ImageView): Promise<string>;
}

export interface Grounder {
  /** The boxes of each query, in the order of the queries; an empty list for one that is not in the image. */
  ground(image: ImageView, queries: readonly string[]): Promise<readonly (readonly GroundedBox[])[]>;
}

export interface Describer {
  /** One sentence about a region; told its phrase, or not. */
  describe(image: ImageView, region: RegionView, isConditioned: boolean): Promise<string>;
}

export interface Verdict {
  readonly fits: boolean;
  readonly reason?: string;
}

export interface Writer {
  /** Whether the description fits the phrase of its region. */
  verify(image: ImageView, region: RegionView, description: string): Promise<Verdict>;
  /** A short referring description; `broken` is the last answer and the rule that it broke. */
  rewrite(
    image: ImageView,
    region: RegionView,
    description: string,
    broken?: { readonly answer: string; readonly fault: string },
  ): Promise<string>;
}

export interface Roles {
  readonly captioner: Captioner;
  readonly grounder: Grounder;
  readonly describer: Describer;
  readonly writer: Writer;
  dispose(): Promise<void>;
}

export const roleNames = ['captioner', 'grounder', 'describer', 'writer'] as const;
export type RoleName = (typeof roleNames)[number];
