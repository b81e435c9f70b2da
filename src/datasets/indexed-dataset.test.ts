import { appendFile, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../random.ts';
import { reader as coco } from './formats/coco.ts';
import { reader as jsonLines } from './formats/json-lines.ts';
import { openIndexed } from './indexed-dataset.ts';
import type { Reader } from './reader.ts';
import { imageFile } from './testing/images.ts';
import { withFiles } from './testing/read-all.ts';

const lines = (count: number) =>
  Array.from({ length: count }, (_, at) => `${JSON.stringify({ id: `é${at}`, image: { file: 'p/a.png' } })}\n`).join(
    '',
  );

/** Counts how often files are read. */
function counting<Options>(reader: Reader<Options>): { reader: Reader<Options>; reads: () => number } {
  let reads = 0;
  const read: Reader<Options>['read'] = (options, context) => {
    reads++;
    return reader.read(options, context);
  };
  return { reader: { ...reader, read }, reads: () => reads };
}

describe('an indexed data set', () => {
  it('is read once, then from its index, and read again when files change', async () => {
    await withFiles({ 'd.jsonl': lines(300) }, async (folder) => {
      const { reader, reads } = counting(jsonLines);
      const settings = { dataRoot: folder, cacheFolder: join(folder, 'cache') };
      const open = () => openIndexed(reader, { path: 'd.jsonl' }, settings);
      const first = await open();
      expect([first.size, first.name]).toEqual([300, 'json-lines:d.jsonl']);
      expect((await first.sample(217)).id).toBe('é217');
      expect((await first.sample(0)).image).toEqual({ file: join('p', 'a.png') });
      await expect(first.sample(300)).rejects.toMatchObject({ code: 'invalid-argument' });
      await expect(first.sample(-1)).rejects.toThrow(/expected 0 to 299/);
      await first.close();
      const again = await open();
      expect([reads(), again.fingerprint]).toEqual([1, first.fingerprint]);
      await again.close();
      await appendFile(join(folder, 'd.jsonl'), '{"id": "new"}\n');
      const changed = await open();
      expect([reads(), changed.size]).toEqual([2, 301]);
      expect(changed.fingerprint).not.toBe(first.fingerprint);
      await changed.close();
      // Equal size and equal head and tail: the time of change tells.
      const text = await readFile(join(folder, 'd.jsonl'), 'utf8');
      await writeFile(join(folder, 'd.jsonl'), text.replace('é100', 'ê100'));
      await utimes(join(folder, 'd.jsonl'), new Date(), new Date(Date.now() + 5000));
      const edited = await open();
      expect((await edited.sample(100)).id).toBe('ê100');
      await edited.close();
    });
  });

  it('has the same fingerprint wherever it lies', async () => {
    const fingerprintAt = (place: string) =>
      withFiles({ [`${place}/d.jsonl`]: lines(3) }, async (folder) => {
        const dataset = await openIndexed(
          jsonLines,
          { path: `${place}/d.jsonl` },
          { dataRoot: folder, cacheFolder: join(folder, 'c') },
        );
        await dataset.close();
        return dataset.fingerprint;
      });
    expect(await fingerprintAt('a')).toBe(await fingerprintAt('other/place'));
  });

  it.each(['samples.jsonl', 'index.bin', 'index.json'])('is read again when %s was cut', async (name) => {
    await withFiles({ 'd.jsonl': lines(50) }, async (folder) => {
      const { reader, reads } = counting(jsonLines);
      const settings = { dataRoot: folder, cacheFolder: join(folder, 'cache') };
      const first = await openIndexed(reader, { path: 'd.jsonl' }, settings);
      await first.close();
      await truncate(join(first.indexFolder, name), 16);
      const second = await openIndexed(reader, { path: 'd.jsonl' }, settings);
      expect([reads(), (await second.sample(49)).id]).toEqual([2, 'é49']);
      await second.close();
      // Nothing else is left in the cache.
      expect(await readdir(join(folder, 'cache', 'datasets'))).toHaveLength(1);
    });
  });

  it('clears away what a killed process left a day ago, and nothing newer', async () => {
    await withFiles(
      { 'd.jsonl': lines(3), 'cache/datasets/a.1.tmp/samples.jsonl': '', 'cache/datasets/b.2.tmp/x': '' },
      async (folder) => {
        const old = new Date(Date.now() - 25 * 3600 * 1000);
        const left = join(folder, 'cache/datasets/a.1.tmp');
        for (const path of [join(left, 'samples.jsonl'), left]) await utimes(path, old, old);
        const dataset = await openIndexed(
          jsonLines,
          { path: 'd.jsonl' },
          { dataRoot: folder, cacheFolder: join(folder, 'cache') },
        );
        await dataset.close();
        const names = await readdir(join(folder, 'cache/datasets'));
        expect(names.filter((name) => name.endsWith('.tmp'))).toEqual(['b.2.tmp']);
      },
    );
  });

  it('may be opened by several at once', async () => {
    await withFiles({ 'd.jsonl': lines(50) }, async (folder) => {
      const settings = { dataRoot: folder, cacheFolder: join(folder, 'cache') };
      const all = await Promise.all(
        Array.from({ length: 4 }, () => openIndexed(jsonLines, { path: 'd.jsonl' }, settings)),
      );
      for (const dataset of all) {
        expect((await dataset.sample(7)).id).toBe('é7');
        await dataset.close();
      }
    });
  });

  it('leaves nothing behind when reading fails or is interrupted', async () => {
    await withFiles({ 'd.json': '{"images": [{"id": 1}', 'e.jsonl': lines(9) }, async (folder) => {
      const settings = { dataRoot: folder, cacheFolder: join(folder, 'cache') };
      await expect(openIndexed(coco, { path: 'd.json' }, settings)).rejects.toThrow(/cut off/);
      const signal = AbortSignal.abort();
      await expect(openIndexed(jsonLines, { path: 'e.jsonl' }, { ...settings, signal })).rejects.toMatchObject({
        code: 'aborted',
      });
      expect(await readdir(join(folder, 'cache', 'datasets'))).toEqual([]);
    });
  });

  it('notices images that arrive later', async () => {
    const file = {
      images: [1, 2].map((id) => ({ id, file_name: `${id}.png`, width: 8, height: 6 })),
      annotations: [],
      categories: [],
    };
    const png = await imageFile(8, 6);
    await withFiles({ 'c.json': file, 'images/1.png': png }, async (folder) => {
      const settings = { dataRoot: folder, cacheFolder: join(folder, 'cache') };
      const options = { path: 'c.json', images: 'images' };
      const first = await openIndexed(coco, options, settings);
      expect([first.size, first.faults['missing-image']?.count]).toEqual([1, 1]);
      await first.close();
      await writeFile(join(folder, 'images/2.png'), png);
      const second = await openIndexed(coco, options, settings);
      expect([second.size, second.faults]).toEqual([2, {}]);
      await second.close();
      await rm(join(folder, 'images'), { recursive: true });
      await writeFile(join(folder, 'images'), '');
      await expect(openIndexed(coco, options, settings)).rejects.toThrow(/images is not a folder/);
    });
  });

  it('with strict, faults are an error that names the first', async () => {
    const file = {
      images: [{ id: 1, file_name: 'a', width: 8, height: 6 }],
      annotations: [{ id: 4, image_id: 1, category_id: 1, bbox: [] }],
      categories: [{ id: 1, name: 'x' }],
    };
    await withFiles({ 'c.json': file }, async (folder) => {
      const settings = { dataRoot: folder, cacheFolder: join(folder, 'cache'), isStrict: true };
      await expect(openIndexed(coco, { path: 'c.json' }, settings)).rejects.toThrow(
        'coco:c.json has 1 fault, the first: bad-box: sample 1, annotation 4: []; chatrex data inspect lists them',
      );
    });
  });

  it('refuses an image of another shape than its annotation, and shrinks one that is too large', async () => {
    const file = {
      images: [
        { id: 1, file_name: 'a.png', width: 80, height: 60 },
        { id: 2, file_name: 'a.png', width: 60, height: 80 },
        { id: 3, file_name: 'text.png', width: 60, height: 80 },
      ],
      annotations: [],
      categories: [],
    };
    const files = { 'c.json': file, 'i/a.png': await imageFile(80, 60), 'i/text.png': 'no image' };
    await withFiles(files, async (folder) => {
      const settings = { dataRoot: folder, cacheFolder: join(folder, 'cache') };
      const dataset = await openIndexed(coco, { path: 'c.json', images: 'i' }, settings);
      const { width, height } = await dataset.image(0, { width: 20, height: 15 });
      expect([width, height, await dataset.imageSize(0)]).toEqual([20, 15, { width: 80, height: 60 }]);
      await expect(dataset.image(1)).rejects.toThrow(
        /sample 2 of coco:c\.json: the image is 80 x 60, its annotation says 60 x 80/,
      );
      await expect(dataset.image(2)).rejects.toThrow(/sample 3 of coco:c\.json: /);
      await dataset.close();
    });
  });

  it('gives the stored conversations that are wished for', async () => {
    const turn = { question: [], answer: [], kind: 'color' };
    const conversations = [1, 2, 3].map(() => ({ task: 'conversation', turns: [turn] }));
    await withFiles({ 'd.jsonl': JSON.stringify({ id: 'a', conversations }) }, async (folder) => {
      const dataset = await openIndexed(
        jsonLines,
        { path: 'd.jsonl' },
        { dataRoot: folder, cacheFolder: join(folder, 'c') },
      );
      const wish = { counts: { conversation: 2 }, wordings: 'seen' as const, random: createRandom('x') };
      expect(await dataset.conversations(0, wish)).toHaveLength(2);
      expect(await dataset.conversations(0, { ...wish, kinds: ['place'] })).toEqual([]);
      expect(await dataset.conversations(0, { ...wish, counts: {} })).toEqual([]);
      await expect(dataset.image(0)).rejects.toThrow(/sample a of json-lines:d\.jsonl has no image, only text/);
      await dataset.close();
    });
  });
});
