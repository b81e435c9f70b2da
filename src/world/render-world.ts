/**
 * Writes a piece of RexWorld to a folder: images, COCO annotations for both granularities, conversations, and a
 * contact sheet.
 */

import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { encodeImage, imageFormatOf, sharpFrom } from '../drawing/encode.ts';
import { ChatRexError } from '../errors.ts';
import { dialects } from '../grounding/dialect.ts';
import type { Granularity } from '../proposals/network.ts';
import { addScene, conversationLine, createInstances } from './coco-files.ts';
import { drawContactSheet } from './contact-sheet.ts';
import type { Scene, Split } from './scene.ts';
import { openWorldStream } from './world-stream.ts';

export interface RenderWorldOptions {
  readonly seed: number;
  readonly count: number;
  readonly split: Split;
  /** A folder that does not exist yet. */
  readonly out: string;
  /** Side of the square images in pixels; 256 by default. */
  readonly size?: number;
  readonly format?: 'png' | 'jpg';
  readonly onProgress?: (done: number, count: number) => void;
  readonly signal?: AbortSignal;
}

/** Scenes on the contact sheet. */
const SHEET_SCENES = 24;
const MAX_COUNT = 1_000_000;
/** Images being encoded at once. */
const ENCODING_BATCH = 8;

/**
 * Renders scenes 0 to `count - 1` of a seed. Everything is written beside `out` and renamed at the end, so a broken
 * run leaves nothing half-written.
 * @throws ChatRexError `invalid-argument` for a bad count, seed, split or an `out` that exists; `aborted` by the signal.
 */
export async function renderWorld(options: RenderWorldOptions): Promise<void> {
  await checkOptions(options);
  const { seed, count, split, out, size, format = 'png', onProgress, signal } = options;
  const draft = `${out}.tmp`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(join(draft, 'images'), { recursive: true });
  const files = { fine: createInstances('fine'), coarse: createInstances('coarse') };
  const lines: string[] = [];
  const shown: Scene[] = [];
  let writing: Promise<unknown>[] = [];
  const stream = await openWorldStream({ kind: 'scenes', split, seed, width: size, height: size, samples: {} });
  try {
    for (let done = 0; done < count; done++) {
      if (signal?.aborted) throw new ChatRexError('aborted', `World rendering was stopped after ${done} scenes.`);
      const { scene, samples } = (await stream.next()).value;
      const name = `images/${split}-${String(done).padStart(6, '0')}.${format}`;
      for (const granularity of ['fine', 'coarse'] as Granularity[])
        addScene(files[granularity], granularity, scene, name);
      for (const sample of samples) lines.push(conversationLine(sample, scene, name, dialects.paper));
      if (shown.length < SHEET_SCENES) shown.push(scene);
      writing.push(writeImage(scene, join(draft, name)));
      if (writing.length >= ENCODING_BATCH || done + 1 === count) {
        await Promise.all(writing);
        writing = [];
        onProgress?.(done + 1, count);
      }
    }
    await writeFile(join(draft, 'instances_fine.json'), JSON.stringify(files.fine));
    await writeFile(join(draft, 'instances_coarse.json'), JSON.stringify(files.coarse));
    await writeFile(join(draft, 'conversations.jsonl'), `${lines.join('\n')}\n`);
    await writeFile(join(draft, 'contact-sheet.png'), await drawContactSheet(shown));
    await rename(draft, out);
  } finally {
    await stream.close();
    await Promise.allSettled(writing);
    await rm(draft, { recursive: true, force: true });
  }
}

/** Writes one scene's image; the file's ending decides the format. */
async function writeImage({ image }: Scene, path: string): Promise<void> {
  await writeFile(path, await encodeImage(sharpFrom(image), imageFormatOf(path)));
}

async function checkOptions({ seed, count, split, out }: RenderWorldOptions): Promise<void> {
  const isWhole = (value: number, least: number, most: number) =>
    Number.isInteger(value) && value >= least && value <= most;
  if (!isWhole(count, 1, MAX_COUNT)) throw bad('count', `a whole number from 1 to ${MAX_COUNT}`, count);
  if (!isWhole(seed, 0, Number.MAX_SAFE_INTEGER)) throw bad('seed', 'a whole number of at least 0', seed);
  if (!['train', 'val', 'test'].includes(split)) throw bad('split', 'train, val or test', split);
  const isThere = await access(out).then(
    () => true,
    () => false,
  );
  if (isThere) throw bad('out', 'a folder that does not exist yet', `${out} (choose another or remove it)`);
  await mkdir(dirname(out), { recursive: true });
}

function bad(option: string, expected: string, came: string | number): ChatRexError {
  return new ChatRexError('invalid-argument', `World ${option}: expected ${expected}, got ${came}.`);
}
