import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { withFiles } from './datasets/testing/read-all.ts';
import { datasetFormats, openDataset, readerOf } from './open-dataset.ts';

it('every format has a reader that says so, with a path as its first option', async () => {
  for (const format of datasetFormats.filter((name) => name !== 'world')) {
    const reader = await readerOf(format);
    expect(reader.format).toBe(format === 'allava' ? 'llava' : format);
    expect(reader.options.safeParse({}).error?.issues[0].path).toEqual(['path']);
  }
});

const source = fileURLToPath(new URL('./api/datasets.ts', import.meta.url));

it('a module may be a format, or open a data set itself', async () => {
  const files = {
    'lines.txt': 'a.png,1,2,30,40\nb.png,1,2\n',
    'reader.ts': `
      import { readFile } from 'node:fs/promises';
      import { z } from 'zod';
      import { defineReader } from ${JSON.stringify(source)};
      export const reader = defineReader({
        format: 'receipts',
        version: 1,
        options: z.strictObject({ path: z.string() }),
        sources: ({ path }) => ({ files: [path] }),
        imageFolder: () => undefined,
        hasImages: () => false,
        async *read({ path }, context) {
          for (const line of (await readFile(context.resolve(path), 'utf8')).trim().split('\\n')) {
            const [file, ...box] = line.split(',');
            const regions = [{ boxXyxy: box.map(Number), category: 'total', granularities: ['coarse'] }];
            const coverage = { complete: [], isClosed: true };
            yield { id: file, image: { file }, regions, phrases: [], conversations: [], coverage };
          }
        },
      });`,
    'own.mjs':
      'export const openDataset = async (options) => ({ name: options.path, size: 3, close: async () => {} });',
    'neither.mjs': 'export const reading = 1;',
  };
  await withFiles(files, async (folder) => {
    const settings = { dataRoot: folder, cacheFolder: join(folder, 'cache') };
    const data = await openDataset('./reader.ts,path=lines.txt', settings);
    expect(data.size).toBe(2);
    expect((await data.sample(0)).regions[0].boxXyxy).toEqual([1, 2, 30, 40]);
    expect('faults' in data && data.faults['bad-box']?.examples[0].value).toBe('[1,2]');
    await data.close();
    expect(await openDataset('own.mjs,path=x', settings)).toMatchObject({ name: 'x', size: 3 });
    await expect(openDataset('neither.mjs', settings)).rejects.toThrow(/expected an export openDataset or reader/);
    await expect(openDataset('none.mjs', settings)).rejects.toThrow(/none\.mjs cannot be loaded as a module/);
  });
});
