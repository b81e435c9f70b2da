/**
 * Stage 1, per image: decode it, measure it, and judge what can be judged alone (paper section 4.1, image collection).
 * Whether it repeats an earlier image is decided afterwards, in the order of the list.
 */

import sharp from 'sharp';
import { ChatRexError } from '../../errors.ts';
import { MAX_IMAGE_BYTES, MAX_IMAGE_PIXELS } from '../../image/decode.ts';
import { perceptualHash, sampleSide } from '../collect/perceptual-hash.ts';
import { sha256 } from '../content-key.ts';

export interface ImageFilters {
  /** Shortest side, in pixels. */
  readonly minSide: number;
  /** Longest side over shortest. */
  readonly maxAspect: number;
  /** Bits in which the perceptual hashes of two images of the same thing may differ; -1 keeps all but equal files. */
  readonly duplicateBits: number;
  /**
   * Share of the image's border that may be white; 1 keeps all. Product pictures and web graphics have a white border.
   */
  readonly maxWhiteBorder: number;
}

export const defaultImageFilters: ImageFilters = { minSide: 200, maxAspect: 3, duplicateBits: 4, maxWhiteBorder: 0.9 };

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
    const reason = reasonToLeaveOut(width, height, whiteBorder(data), filters);
    return { imageHash, width, height, perceptualHash: perceptualHash(data), ...(reason && { reason }) };
  } catch (cause) {
    const said = cause instanceof Error ? cause.message.replace(/\s+/g, ' ').trim() : String(cause);
    throw new ChatRexError('invalid-file', `not a readable image (${said.slice(0, 200)})`, { cause });
  }
}

function reasonToLeaveOut(
  width: number,
  height: number,
  white: number,
  { minSide, maxAspect, maxWhiteBorder }: ImageFilters,
): string | undefined {
  if (Math.min(width, height) < minSide) return 'too small';
  if (Math.max(width, height) / Math.min(width, height) > maxAspect) return 'too long and narrow';
  return white > maxWhiteBorder ? 'plain white background' : undefined;
}

/** A pixel is white from here on, in all channels: JPEG leaves ripples around what is on the white. */
const whiteFrom = 245;

/** Share of the outermost pixels of the small copy that are white: 0 to 1. */
export function whiteBorder(pixels: Uint8Array): number {
  const channels = pixels.length / (sampleSide * sampleSide);
  let white = 0;
  let all = 0;
  for (let y = 0; y < sampleSide; y++) {
    const isEdge = y === 0 || y === sampleSide - 1;
    for (let x = 0; x < sampleSide; x += isEdge ? 1 : sampleSide - 1) {
      const at = channels * (y * sampleSide + x);
      all++;
      if (pixels.subarray(at, at + channels).every((value) => value >= whiteFrom)) white++;
    }
  }
  return white / all;
}
