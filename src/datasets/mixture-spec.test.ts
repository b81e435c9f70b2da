import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readMixture } from './mixture-spec.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mixture-'));
});
afterAll(() => rm(root, { recursive: true }));

const coco = { format: 'coco', options: { path: 'a.json', images: 'photos' } };

test('specs are parts of weight 1', async () => {
  expect(await readMixture(['coco:a.json,images=photos', 'yolo:b'], root)).toEqual([
    { data: coco, weight: 1 },
    { data: { format: 'yolo', options: { path: 'b' } }, weight: 1 },
  ]);
});

test('a file lists parts with weights and conversations, specs as texts or objects', async () => {
  const list = [
    { data: 'coco:a.json,images=photos', weight: 3 },
    { data: coco, conversations: { counting: 2 } },
  ];
  await writeFile(join(root, 'mix.json'), `\uFEFF${JSON.stringify(list)}`);
  await writeFile(join(root, 'mix.mjs'), `export default ${JSON.stringify(list)};`);
  const parts = [
    { data: coco, weight: 3 },
    { data: coco, weight: 1, conversations: { counting: 2 } },
  ];
  expect(await readMixture(['mix.json'], root)).toEqual(parts);
  expect(await readMixture(['mix.mjs'], root)).toEqual(parts);
});

test('what is wrong is named', async () => {
  await writeFile(join(root, 'weight.json'), JSON.stringify([{ data: 'coco:a.json', weight: 0 }]));
  await writeFile(join(root, 'object.json'), JSON.stringify({ images: [], annotations: [] }));
  await writeFile(join(root, 'cut.json'), '[{');
  await writeFile(join(root, 'key.json'), JSON.stringify([{ data: 'coco:a.json', wieght: 2 }]));
  await writeFile(join(root, 'broken.mjs'), 'export default [');
  await expect(readMixture(['weight.json'], root)).rejects.toThrow(/weight.json: 0.weight/);
  await expect(readMixture(['object.json'], root)).rejects.toThrow(/a mixture is a list/);
  await expect(readMixture(['cut.json'], root)).rejects.toThrow(
    /cut.json is not JSON: it ends too early .* at character 3/,
  );
  await expect(readMixture(['key.json'], root)).rejects.toThrow(/key.json: 0: .*wieght.*did you mean weight\?/);
  await expect(readMixture(['broken.mjs'], root)).rejects.toThrow(/broken.mjs cannot be loaded as a module/);
  await expect(readMixture(['a.txt'], root)).rejects.toThrow(/no format/);
});
