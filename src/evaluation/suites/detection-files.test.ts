import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordsOf } from './detection.ts';
import { detectionIds, readDetectionTruth } from './detection-files.ts';
import { readDetections } from './read-detections.ts';

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
    const read = await readDetectionTruth(await write('dataset.json', dataset));
    expect(read).toMatchObject({ images: [{ id: 3 }], categories: [{ id: 18, name: 'dog' }] });
    expect(read.truths).toEqual([{ imageId: 3, categoryId: 18, boxXywh: [1, 2, 3, 4], area: 7.5, isCrowd: true }]);
    const results = [{ image_id: 3, category_id: 18, bbox: [0, 0, 5, 5], score: 0.25 }];
    const { columns } = await readDetections(await write('results.json', results), detectionIds(read));
    expect(recordsOf(read, columns)).toEqual([{ imageId: 3, categoryId: 18, boxXywh: [0, 0, 5, 5], score: 0.25 }]);
  });

  it('are refused with the field that is wrong', async () => {
    const bad = { ...dataset, annotations: [{ id: 9, image_id: 3, category_id: 18, bbox: [1, 2, 3] }] };
    await expect(readDetectionTruth(await write('bad.json', bad))).rejects.toThrow('annotations.0 (id 9): bbox');
    await expect(readDetectionTruth(await write('text.json', 'no json'))).rejects.toMatchObject({
      code: 'invalid-file',
    });
    await expect(readDetectionTruth(join(folder, 'absent.json'))).rejects.toMatchObject({ code: 'not-found' });
  });

  it('whose results are of another image are counted', async () => {
    const read = await readDetectionTruth(await write('dataset.json', dataset));
    const stray = [{ image_id: 4, category_id: 18, bbox: [0, 0, 5, 5], score: 0.25 }];
    const found = await readDetections(await write('stray.json', stray), detectionIds(read));
    expect({ ...found, columns: found.columns.count }).toMatchObject({ unknownImages: 1, columns: 0 });
  });
});
