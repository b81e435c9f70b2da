import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dialects } from '../grounding/dialect.ts';
import { parseAnswer } from '../grounding/parse.ts';
import type { CocoInstances } from './coco-files.ts';
import { renderWorld } from './render-world.ts';
import { renderScene, type Scene } from './scene.ts';
import { loadSpriteAtlas } from './sprite-atlas.ts';

let folder: string;
let out: string;
let scenes: Scene[];
const COUNT = 5;
const read = async (name: string) => JSON.parse(await readFile(join(out, name), 'utf8')) as CocoInstances;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rexworld-'));
  out = join(folder, 'deep', 'world');
  const seen: number[] = [];
  await renderWorld({ seed: 3, count: COUNT, split: 'val', out, size: 128, onProgress: (done) => seen.push(done) });
  expect(seen.at(-1)).toBe(COUNT);
  const atlas = await loadSpriteAtlas();
  scenes = Array.from({ length: COUNT }, (_, index) =>
    renderScene(atlas, { split: 'val', seed: 3, index, width: 128, height: 128 }),
  );
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a rendered world', () => {
  it('holds the pictures of its scenes', async () => {
    const names = (await readdir(join(out, 'images'))).sort();
    expect(names.length).toBe(COUNT);
    const { data } = await sharp(join(out, 'images', names[2]))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(Buffer.compare(data, scenes[2].image.data)).toBe(0);
    expect((await sharp(join(out, 'contact-sheet.png')).metadata()).format).toBe('png');
  });

  it('has COCO annotations of both granularities', async () => {
    const [fine, coarse] = [await read('instances_fine.json'), await read('instances_coarse.json')];
    for (const [file, isOf] of [
      [fine, 'isFine'],
      [coarse, 'isCoarse'],
    ] as const) {
      expect(file.images.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5]);
      expect(file.annotations.map(({ id }) => id)).toEqual(file.annotations.map((_, index) => index + 1));
      for (const {
        image_id,
        bbox: [left, top, width, height],
        category_id,
        object,
      } of file.annotations) {
        const truth = scenes[image_id - 1].objects[object];
        expect([left, top, left + width, top + height]).toEqual(truth.boxXyxy);
        expect(truth[isOf]).toBe(true);
        expect(file.categories.find(({ id }) => id === category_id)!.name).toBe(truth.category.name);
      }
      expect(file.annotations.length).toBe(scenes.flatMap(({ objects }) => objects.filter((o) => o[isOf])).length);
    }
  });

  it("has conversations in the paper's notation that the parser reads back", async () => {
    const lines = (await readFile(join(out, 'conversations.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(new Set(lines.map(({ task }) => task)).size).toBe(10);
    for (const { boxesXyxy, conversations } of lines) {
      for (const { from, value } of conversations) {
        if (from !== 'gpt') continue;
        expect(parseAnswer(value, { dialect: dialects.paper, boxCount: boxesXyxy.length }).issues).toEqual([]);
      }
    }
  });
});

describe('bad input', () => {
  const good = { seed: 1, count: 1, split: 'val' as const };

  it('is refused in one line before anything is written', async () => {
    const at = join(folder, 'bad');
    await expect(renderWorld({ ...good, count: 0, out: at })).rejects.toThrow(/count: expected a whole number/);
    await expect(renderWorld({ ...good, seed: -1, out: at })).rejects.toThrow(/seed/);
    await expect(renderWorld({ ...good, split: 'dev' as 'val', out: at })).rejects.toThrow(
      /split: expected train, val or test/,
    );
    await expect(renderWorld({ ...good, out })).rejects.toThrow(/does not exist yet/);
    expect(existsSync(at)).toBe(false);
  });

  it('leaves nothing behind when it is stopped', async () => {
    const at = join(folder, 'stopped');
    await expect(renderWorld({ ...good, out: at, signal: AbortSignal.abort() })).rejects.toThrow(/cancelled/);
    expect((await readdir(folder)).filter((name) => name.startsWith('stopped'))).toEqual([]);
  });
});
