/** Folders of small images for tests, each unlike the others. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { createRandom } from '../../random.ts';

/** Writes `count` JPEG files of 224 x 208 pixels, named in order. */
export async function writeTestImages(folder: string, count: number): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (let at = 0; at < count; at++) {
    const random = createRandom(`rexverse test image ${at}`);
    const pixels = Uint8Array.from({ length: 8 * 8 * 3 }, () => random.int(0, 255));
    await sharp(pixels, { raw: { width: 8, height: 8, channels: 3 } })
      .resize(224, 208, { kernel: 'cubic', fit: 'fill' })
      .jpeg()
      .toFile(join(folder, `${String(at).padStart(4, '0')}.jpg`));
  }
}
