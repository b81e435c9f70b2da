/**
 * Writes a piece of RexWorld to a folder: images, COCO annotations for both granularities, conversations, and a
 * contact sheet.
 */

import { access, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Range } from '../datasets/derived.ts';
import { ChatRexError } from '../errors.ts';
import { writeNamed } from '../files.ts';
import { dialects } from '../grounding/dialect.ts';
import { runInWorkers } from '../workers/pool.ts';
import { addScene, conversationLine, createInstances } from './coco-files.ts';
import { drawContactSheet } from './contact-sheet.ts';
import { imageName, type RenderWorkerData } from './render-worker.ts';
import { makeSamples, sampleRandom } from './samples.ts';
import { renderScene, type Split } from './scene.ts';
import { type SceneRecord, sceneOf } from './scene-record.ts';
import { loadSpriteAtlas } from './sprite-atlas.ts';

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
/** Enough to be cheap, few enough to show progress. */
const SCENES_PER_TASK = 8;

/**
 * Renders scenes 0 to `count - 1` of a seed. Everything is written beside `out` and renamed at the end, so a broken
 * run leaves nothing half-written.
 * @throws ChatRexError `invalid-argument` for a bad count, seed, split or an `out` that exists; `aborted` by the
 *   signal.
 */
export async function renderWorld(options: RenderWorldOptions): Promise<void> {
  await checkOptions(options);
  const { seed, count, split, out, size, format = 'png', onProgress, signal } = options;
  const draft = `${out}.tmp`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(join(draft, 'images'), { recursive: true });
  const key = { split, seed, width: size, height: size };
  try {
    const records: SceneRecord[] = [];
    const data: RenderWorkerData = { key, folder: draft, format };
    const ranges = Array.from({ length: Math.ceil(count / SCENES_PER_TASK) }, (_, task): Range => {
      return { start: task * SCENES_PER_TASK, end: Math.min(count, (task + 1) * SCENES_PER_TASK) };
    });
    let done = 0;
    const keep = (range: Range, rendered: readonly SceneRecord[]) => {
      for (const record of rendered) records[record.key.index] = record;
      done += range.end - range.start;
      onProgress?.(done, count);
    };
    await runInWorkers({ module: './render-worker.ts', base: import.meta.url, data }, ranges, keep, { signal });
    await writeAnnotations(draft, records, format);
    const atlas = await loadSpriteAtlas();
    const shown = records.slice(0, SHEET_SCENES).map(({ key: { index } }) => renderScene(atlas, { ...key, index }));
    await writeNamed(join(draft, 'contact-sheet.png'), await drawContactSheet(shown));
    await rename(draft, out);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function writeAnnotations(folder: string, records: readonly SceneRecord[], format: string): Promise<void> {
  const files = { fine: createInstances('fine'), coarse: createInstances('coarse') };
  const lines: string[] = [];
  for (const record of records) {
    const scene = sceneOf(record);
    const name = imageName(scene.key.split, scene.key.index, format);
    for (const granularity of ['fine', 'coarse'] as const) addScene(files[granularity], granularity, scene, name);
    for (const sample of makeSamples(scene, sampleRandom(scene))) {
      lines.push(conversationLine(sample, scene, name, dialects.paper));
    }
  }
  await writeNamed(join(folder, 'instances_fine.json'), JSON.stringify(files.fine));
  await writeNamed(join(folder, 'instances_coarse.json'), JSON.stringify(files.coarse));
  await writeNamed(join(folder, 'conversations.jsonl'), `${lines.join('\n')}\n`);
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
