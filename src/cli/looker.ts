/** What a command makes of one image after the other, here or in worker threads. */

import type { RgbImage } from '../image/rgb-image.ts';

/** One image of many. */
export interface LookJob {
  readonly path: string;
  /** The file that gets a drawing; its ending says of what kind. */
  readonly target?: string;
}

export interface LookReport {
  /** For standard output. */
  readonly text: string;
  /** Lines for standard error. */
  readonly notes: readonly string[];
  /** The bytes of the drawing, if one was asked for. */
  readonly drawing?: Uint8Array;
}

/** A model that is ready to look. */
export interface Looker {
  /** @throws ChatRexError of the image; 'aborted'; 'invalid-argument' for what is wrong with every image */
  look(job: LookJob, image: RgbImage, signal?: AbortSignal): Promise<LookReport>;
  dispose(): Promise<void>;
}
