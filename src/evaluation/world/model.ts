/** What evaluation needs of a model: a proposal network, a reader of images, or both. */

import type { EncodedImage } from '../../chatrex/encoded-image.ts';
import type { ScoredBoxes } from '../../chatrex/image-boxes.ts';
import type { RgbImage } from '../../image/rgb-image.ts';
import type { ProposeOptions, Upn } from '../../proposals/upn.ts';

/** A `ChatRex`; named by what is used of it, since front ends stand above evaluation. */
export interface ImageReader {
  /** The proposals that it speaks about; those of `Upn.propose` where nothing is said. */
  readonly proposals?: ProposeOptions;
  encode(image: RgbImage, options: { boxes: ScoredBoxes }): Promise<EncodedImage>;
}

export interface WorldModel {
  readonly upn?: Pick<Upn, 'propose'>;
  readonly chatrex?: ImageReader;
}
