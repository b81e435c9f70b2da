/**
 * What the server and the process that holds the model say to each other.
 *
 * The server decides everything: which images the process keeps, under which key, when it forgets one, how much it does
 * at once. The process computes.
 */

import type { Answer, AskOptions } from '../chatrex/answer.ts';
import type { PromptPart, Turn } from '../chatrex/encoded-image.ts';
import type { ProposalDefaults } from '../chatrex.ts';
import type { ErrorCode } from '../errors.ts';
import type { GroundedText } from '../grounding/grounded-text.ts';
import type { AnswerEvent } from '../grounding/parse.ts';
import type { ImageSize } from '../image/rgb-image.ts';
import type { FilterOptions } from '../proposals/post-process.ts';
import type { ProposeOptions } from '../proposals/upn.ts';

/** Boxes that a client gave, in pixels of the original image. */
export interface GivenBoxes {
  readonly boxesXyxy: readonly (readonly number[])[];
  /** Proposal scores in [0, 1]; 1 by default. */
  readonly scores?: readonly number[];
}

/** Options of an answer that can be sent. */
export type AnswerOptions = Pick<AskOptions, 'maxTokens' | 'temperature' | 'topP' | 'seed' | 'stop'>;

/** Looks at an image and keeps it under `key`. */
export interface EncodeTask {
  readonly kind: 'encode';
  readonly key: string;
  readonly image: Uint8Array;
  readonly maxPixels: number;
  readonly boxes?: GivenBoxes;
  readonly granularity?: ProposeOptions['granularity'];
}

/** Answers the last of several turns about a kept image, telling events while it writes. */
export interface AskTask {
  readonly kind: 'ask';
  readonly key: string;
  readonly turns: readonly Turn[];
  readonly options: AnswerOptions;
  /** Whether somebody reads the answer as it is written; else its first event alone is told, for its time. */
  readonly isStreamed?: boolean;
  /** Whether to return what the model read, too. */
  readonly showsPrompt?: boolean;
}

/** Finds boxes. */
export interface ProposeTask extends FilterOptions {
  readonly kind: 'propose';
  readonly image: Uint8Array;
  readonly maxPixels: number;
  readonly granularity?: ProposeOptions['granularity'];
}

/** Draws boxes with labels, or an answer under its image. */
export interface DrawTask {
  readonly kind: 'draw';
  readonly image: Uint8Array;
  readonly maxPixels: number;
  readonly boxesXyxy: readonly (readonly number[])[];
  readonly labels?: readonly string[];
  readonly scores?: readonly number[];
  readonly answer?: GroundedText;
  readonly question?: string;
}

export type ModelTask = EncodeTask | AskTask | ProposeTask | DrawTask;

/** What a kept image is to its questions. */
export interface EncodedFacts {
  readonly size: ImageSize;
  /** [K, 4] in pixels of the original image; box i is `<obji>`. */
  readonly boxesXyxy: Float64Array;
  readonly scores: readonly number[];
  /** Where each box was in the list that was given or proposed. */
  readonly sources: readonly number[];
  readonly leftOut: number;
  /** Tokens of the image with its objects. */
  readonly tokens: number;
  /** Memory that it takes in the model's process. */
  readonly sizeBytes: number;
}

export interface AskResult {
  readonly answer: Answer;
  readonly prompt?: readonly PromptPart[];
  /** Memory of the image after the question. */
  readonly sizeBytes: number;
}

export interface ProposeResult {
  readonly size: ImageSize;
  readonly boxesXyxy: Float32Array;
  readonly scores: Float32Array;
  readonly granularities: readonly string[];
  /** What each box most likely is, where the network names it. */
  readonly categories?: readonly string[];
  readonly defaults: ProposalDefaults;
}

export interface ModelResults {
  encode: EncodedFacts;
  ask: AskResult;
  propose: ProposeResult;
  /** Bytes of a PNG file. */
  draw: Uint8Array;
}

/** To the process. */
export type ToModel =
  | { readonly kind: 'task'; readonly id: number; readonly task: ModelTask }
  | { readonly kind: 'abort'; readonly id: number }
  | { readonly kind: 'forget'; readonly key: string };

/** A failure that crosses to the server; `code` is missing for a defect. */
export interface SentError {
  readonly code?: ErrorCode;
  readonly message: string;
}

/** From the process. */
export type FromModel =
  | { readonly kind: 'ready' }
  | { readonly kind: 'unloadable'; readonly error: SentError }
  | { readonly kind: 'event'; readonly id: number; readonly event: AnswerEvent }
  | { readonly kind: 'result'; readonly id: number; readonly result: ModelResults[keyof ModelResults] }
  | { readonly kind: 'error'; readonly id: number; readonly error: SentError };
