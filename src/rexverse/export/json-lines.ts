/** A run as our own JSON Lines: one `Sample` a line (the data set format `json-lines`). */

import { writeAll, writeBeside } from '../../files.ts';
import { annotatedImages, relativeTo } from './annotated-images.ts';
import { toSample } from './to-sample.ts';

/** Lines that are written together. */
const batchLines = 256;

/** Some of the images of a run, by their places among those that are exported. */
export interface ImageRange {
  readonly from: number;
  readonly count: number;
}

/** @returns how many samples were written */
export async function exportJsonLines(folder: string, out: string, range?: ImageRange): Promise<number> {
  let count = 0;
  let place = 0;
  await writeBeside(out, async (file) => {
    let lines: string[] = [];
    const flush = async () => {
      await writeAll(file, Buffer.from(lines.join('')));
      lines = [];
    };
    for await (const { outcome, file: image } of annotatedImages(folder)) {
      if (range && place++ < range.from) continue;
      if (range && count === range.count) break;
      lines.push(`${JSON.stringify(toSample(outcome, relativeTo(out, image)))}\n`);
      count++;
      if (lines.length === batchLines) await flush();
    }
    await flush();
  });
  return count;
}
