/**
 * Stage 1, per image: decode it, measure it, and judge what can be judged alone (paper section 4.1, image collection).
 * Whether it repeats an earlier image is decided afterwards, in the order of the list.
 */

import sharp from 'sharp';
import { ChatRexError } from '../../errors.ts';
import { MAX_IMAGE_BYTES, MAX_IMAGE_PIXELS } from '../../image/decode.ts';
import { perceptualHash, sampleSide } from '../collect/perceptual-hash.ts';
import { plainWhiteModel, plainWhiteProbability } from '../collect/plain-white.ts';
import { sha256 } from '../content-key.ts';

export interface ImageFilters {
  /** Shortest side, in pixels. */
  readonly minSide: number;
  /** Longest side over shortest. */
  readonly maxAspect: number;
  /** Bits in which the perceptual hashes of two images of the same thing may differ; -1 keeps all but equal files. */
  readonly duplicateBits: number;
  /** Images that are likelier to be low in content on plain white are left out; 1 keeps all. */
  readonly maxPlainWhite: number;
}

/** Of plain white, the threshold that was chosen with the classifier. */
export const defaultImageFilters: ImageFilters = {
  ...{ minSide: 200, maxAspect: 3, duplicateBits: 4 },
  maxPlainWhite: plainWhiteModel().threshold,
};

/** What is known of an image after one look. */
export interface Inspection {
  readonly imageHash: string;
  readonly width: number;
  readonly height: number;
  /** 64 bits, hexadecimal. */
  readonly perceptualHash: string;
  /** Why the image is left out, judged alone. */
  readonly reason?: string;
}

/** @throws ChatRexError for bytes that are no image; they fail, they are not filtered */
export async function inspectImage(bytes: Uint8Array, filters: ImageFilters): Promise<Inspection> {
  if (bytes.length === 0) throw new ChatRexError('invalid-file', 'the image file is empty');
  if (bytes.length > MAX_IMAGE_BYTES) {
    throw new ChatRexError(
      'limit-exceeded',
      `the image file has ${bytes.length} bytes; at most ${MAX_IMAGE_BYTES} are read`,
    );
  }
  const imageHash = sha256(bytes);
  try {
    const image = sharp(bytes, { limitInputPixels: MAX_IMAGE_PIXELS, failOn: 'error' });
    const { autoOrient } = await image.metadata();
    const { width, height } = autoOrient;
    const { data } = await image
      .autoOrient()
      .flatten({ background: '#fff' })
      .toColourspace('srgb')
      .resize(sampleSide, sampleSide, { fit: 'fill' })
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const reason = reasonToLeaveOut(width, height, data, filters);
    return { imageHash, width, height, perceptualHash: perceptualHash(data), ...(reason && { reason }) };
  } catch (cause) {
    const said = cause instanceof Error ? cause.message.replace(/\s+/g, ' ').trim() : String(cause);
    throw new ChatRexError('invalid-file', `not a readable image (${said.slice(0, 200)})`, { cause });
  }
}

function reasonToLeaveOut(
  width: number,
  height: number,
  pixels: Uint8Array,
  { minSide, maxAspect, maxPlainWhite }: ImageFilters,
): string | undefined {
  if (Math.min(width, height) < minSide) return 'too small';
  if (Math.max(width, height) / Math.min(width, height) > maxAspect) return 'too long and narrow';
  if (maxPlainWhite === 1) return undefined;
  return plainWhiteProbability(pixels) >= maxPlainWhite ? 'plain white background' : undefined;
}
