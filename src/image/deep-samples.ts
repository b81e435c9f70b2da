/**
 * Samples of more than 8 bits become bytes by the range that they use, since files do not say it: cameras store 10 or
 * 12 bits in 16, programs store 0..1 or 0..255 as floats.
 */

import sharp, { type Metadata, type SharpOptions } from 'sharp';
import { ChatRexError } from '../errors.ts';
import type { RgbImage } from './rgb-image.ts';

/** What is said about an image that is read as something else than its header announces. */
export type Warn = (message: string) => void;

const bitsBelow16 = [8, 10, 12];

/**
 * What 16-bit samples are to be multiplied with: 1 where they use 16 bits; a 12-bit image would otherwise be black.
 * @param bytes of a file whose samples have 16 bits
 */
export async function gainOf16Bits(bytes: Uint8Array, options: SharpOptions, name: string, warn: Warn) {
  const { channels } = await sharp(bytes, options).removeAlpha().stats();
  const largest = Math.max(...channels.map(({ max }) => max));
  const bits = bitsBelow16.find((bits) => largest < 2 ** bits);
  if (bits === undefined || largest === 0) return 1;
  warn(`${name} has samples of 16 bits and none above ${largest}; it is read as ${bits} bits.`);
  return (2 ** 16 - 1) / (2 ** bits - 1);
}

/** White, for samples that are not 8 or 16 bits: the first that no sample exceeds. */
const whites = [1, 255, 65_535];

/**
 * Decodes samples that are floats, or integers of other lengths. Values are taken as they are to be seen (not as
 * light).
 * @throws ChatRexError 'unsupported' for values of another range
 */
export async function decodeFloats(
  bytes: Uint8Array,
  metadata: Metadata,
  options: SharpOptions,
  name: string,
): Promise<RgbImage> {
  let image = sharp(bytes, options).removeAlpha();
  if (metadata.space === 'scrgb') image = image.pipelineColourspace('scrgb').toColourspace('scrgb');
  const { data, info } = await image.raw({ depth: 'float' }).toBuffer({ resolveWithObject: true });
  const samples = new Float32Array(data.buffer, data.byteOffset, data.byteLength / 4);
  let largest = 0;
  let smallest = 0;
  for (const sample of samples) {
    if (sample > largest) largest = sample;
    else if (sample < smallest) smallest = sample;
  }
  const white = whites.find((white) => largest <= white);
  if (white === undefined || smallest < 0) {
    throw new ChatRexError(
      'unsupported',
      `${name} has samples from ${smallest} to ${largest}; expected 0 to 1, 255 or 65535. Scale them first.`,
    );
  }
  const [pixels, { channels }] = [info.width * info.height, info];
  const rgb = new Uint8Array(3 * pixels);
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      // A sample that is no number becomes 0, black.
      rgb[3 * pixel + channel] = Math.round((255 / white) * samples[channels * pixel + (channels < 3 ? 0 : channel)]);
    }
  }
  return { width: info.width, height: info.height, data: rgb };
}
