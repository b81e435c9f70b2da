/** Small images for tests. */

import sharp from 'sharp';

/** An image of one color as a file. */
export function imageFile(width: number, height: number, format: 'jpeg' | 'png' = 'png'): Promise<Uint8Array> {
  return sharp({ create: { width, height, channels: 3, background: '#4080c0' } })
    .toFormat(format)
    .toBuffer();
}
