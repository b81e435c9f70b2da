import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCocoDataset, readCocoResults } from './coco-files.ts';

describe('COCO files', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'coco-files-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const write = async (name: string, content: unknown) => {
    const path = join(folder, name);
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };
  const dataset = {
    images: [{ id: 3, file_name: 'a.jpg' }],
    categories: [{ id: 18, name: 'dog' }],
    annotations: [{ id: 1, image_id: 3, category_id: 18, bbox: [1, 2, 3, 4], area: 7.5, iscrowd: 1, segmentation: [] }],
  };

  it('become records', async () => {
    const read = await readCocoDataset(await write('dataset.json', dataset));
    expect(read).toMatchObject({ imageIds: [3], categoryIds: [18], categoryNames: new Map([[18, 'dog']]) });
    expect(read.truths).toEqual([{ imageId: 3, categoryId: 18, boxXywh: [1, 2, 3, 4], area: 7.5, isCrowd: true }]);
    const results = [{ image_id: 3, category_id: 18, bbox: [0, 0, 5, 5], score: 0.25 }];
    expect(await readCocoResults(await write('results.json', results), read)).toEqual([
      { imageId: 3, categoryId: 18, boxXywh: [0, 0, 5, 5], score: 0.25 },
    ]);
  });

  it('are refused with the field that is wrong', async () => {
    const bad = { ...dataset, annotations: [{ image_id: 3, category_id: 18, bbox: [1, 2, 3] }] };
    await expect(readCocoDataset(await write('bad.json', bad))).rejects.toThrow('annotations.0.bbox');
    await expect(readCocoDataset(await write('text.json', 'no json'))).rejects.toThrow('expected JSON');
    await expect(readCocoDataset(join(folder, 'absent.json'))).rejects.toMatchObject({ code: 'not-found' });
    const read = await readCocoDataset(await write('dataset.json', dataset));
    const stray = [{ image_id: 4, category_id: 18, bbox: [0, 0, 5, 5], score: 0.25 }];
    await expect(readCocoResults(await write('stray.json', stray), read)).rejects.toThrow('image_id 4 in result 0');
  });
});
