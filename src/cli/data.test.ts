import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { imageFile } from '../datasets/testing/images.ts';
import { withFiles } from '../datasets/testing/read-all.ts';
import { dataCommand } from './data.ts';

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = 0;
});

async function run(folder: string, ...words: string[]): Promise<{ out: string; err: string }> {
  const written: Record<'out' | 'err', string[]> = { out: [], err: [] };
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.out.push(String(text)) > 0);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.err.push(String(text)) > 0);
  const command = dataCommand();
  for (const inner of command.commands) inner.exitOverride();
  await command.parseAsync([...words, '--root', folder, '--cache', join(folder, 'cache')], { from: 'user' });
  return { out: written.out.join(''), err: written.err.join('') };
}

const coco = {
  images: [
    { id: 1, file_name: 'a.png', width: 80, height: 60 },
    { id: 2, file_name: 'gone.png', width: 80, height: 60 },
  ],
  annotations: [
    { id: 1, image_id: 1, category_id: 1, bbox: [1, 1, 20, 20] },
    { id: 2, image_id: 1, category_id: 2, bbox: [1, 1, 0, 20] },
  ],
  categories: [
    { id: 1, name: 'cup' },
    { id: 2, name: 'a\u001b[31mred\nname' },
  ],
};
const files = { 'i.json': coco, 'images/a.png': await imageFile(80, 60) };
const spec = 'coco:i.json,images=images';

describe('chatrex data', () => {
  it('inspect counts, lists faults, and ends with 1 with --strict', async () => {
    await withFiles(files, async (folder) => {
      const json = JSON.parse((await run(folder, 'inspect', spec, '--json')).out);
      expect(json).toMatchObject({
        name: 'coco:i.json',
        samples: 1,
        images: 1,
        regions: 1,
        categories: 2,
        usedCategories: 1,
        boxSizes: { small: 1, medium: 0, large: 0 },
        imageSizes: { known: 1, width: { least: 80, median: 80, most: 80 } },
        coverage: { completeCoarse: 1, completeFine: 0, closed: 1, withPartialCategories: 1 },
        regionsByCategory: [{ name: 'cup', regions: 1, images: 1 }],
        faults: { 'missing-image': { count: 1 }, 'no-area': { count: 1 } },
      });
      expect(process.exitCode ?? 0).toBe(0);
      const { out, err } = await run(folder, 'inspect', spec, '--strict');
      expect(out).toMatch(/2 faults\n[\s\S]* {2}no-area: 1 .*\n {4}no-area: sample 1, annotation 2: \[1,1,0,20\]/);
      expect(err).toBe('chatrex: 2 faults in coco:i.json\n');
      expect(process.exitCode).toBe(1);
    });
  });

  it('inspect --decode finds images of another shape and broken ones', async () => {
    const size = { width: 60, height: 80 };
    const images = [
      { id: 1, file_name: 'a.png', ...size },
      { id: 2, file_name: 'text.png', ...size },
    ];
    const other = { 'i.json': { ...coco, images, annotations: [] }, 'images/a.png': files['images/a.png'] };
    await withFiles({ ...other, 'images/text.png': 'text' }, async (folder) => {
      expect(JSON.parse((await run(folder, 'inspect', spec, '--json')).out).faults).toEqual({});
      const { faults } = JSON.parse((await run(folder, 'inspect', spec, '--json', '--decode')).out);
      expect(faults['unreadable-image'].count).toBe(2);
      expect(faults['unreadable-image'].examples[0].value).toMatch(/is 80 x 60, its annotation says 60 x 80/);
    });
  });

  it('index writes the index once', async () => {
    await withFiles(files, async (folder) => {
      const first = await run(folder, 'index', spec);
      expect(first.out).toMatch(/^coco:i\.json: 1 samples, 2 faults, in .*\n$/);
      expect((await run(folder, 'index', spec)).out).toBe(first.out);
      expect(await readdir(join(folder, 'cache/datasets'))).toHaveLength(1);
    });
  });

  it('sheet draws a page, and replaces none without --force', async () => {
    await withFiles(files, async (folder) => {
      const out = join(folder, 'sheet.png');
      expect((await run(folder, 'sheet', spec, '--out', out)).out).toBe(`1 of 1 samples: ${out}\n`);
      expect((await readFile(out)).subarray(1, 4).toString()).toBe('PNG');
      await expect(run(folder, 'sheet', spec, '--out', out)).rejects.toThrow(/exists.*--force/);
      await run(folder, 'sheet', spec, '--out', out, '--force', '--seed', '3');
      await expect(run(folder, 'sheet', spec, '--out', join(folder, 'x.bmp'))).rejects.toThrow(/must end in \.png/);
    });
  });

  it('convert writes what another inspect reads, and counts what is lost', async () => {
    await withFiles(files, async (folder) => {
      const { out } = await run(folder, 'convert', spec, '--to', 'yolo', '--out', join(folder, 'yolo'));
      expect(out).toBe(`1 samples, 1 images copied: ${join(folder, 'yolo')}\n`);
      const read = JSON.parse((await run(folder, 'inspect', 'yolo:yolo', '--json')).out);
      expect(read).toMatchObject({ images: 1, regions: 1, categories: 2, faults: {} });
    });
  });

  it('refuses in one line', async () => {
    await withFiles(files, async (folder) => {
      await expect(run(folder, 'inspect', 'cooc:x')).rejects.toThrow(/no format cooc, did you mean coco\?/);
      await expect(run(folder, 'inspect', 'coco:i.json,imges=x')).rejects.toThrow(/did you mean images\?/);
      await expect(run(folder, 'inspect', 'coco:none.json')).rejects.toThrow(/none\.json does not exist/);
      await expect(run(join(folder, 'nowhere'), 'inspect', spec)).rejects.toThrow(/--root .* is not a folder/);
    });
  });
});

const photos = fileURLToPath(new URL('../../../shared/photos/coco/', import.meta.url));

it.skipIf(!existsSync(photos))('inspect: 142 COCO photographs have 1,330 regions', async () => {
  await withFiles({}, async (folder) => {
    const words = ['inspect', `coco:${join(photos, 'instances.json')},images=${join(photos, 'images')}`, '--json'];
    expect(JSON.parse((await run(folder, ...words)).out)).toMatchObject({ images: 142, regions: 1330 });
  });
});
