import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fuzzReader } from '../testing/fuzz.ts';
import { imageFile } from '../testing/images.ts';
import { faultCounts, readFiles, readFolder } from '../testing/read-all.ts';
import { reader } from './lvis.ts';

const file = {
  categories: [
    { id: 1, name: 'bow_(decorative_ribbons)', synonyms: ['bow_(decorative_ribbons)', 'hair_bow'], frequency: 'f' },
    { id: 2, name: 'acorn', synonyms: ['acorn'], frequency: 'r' },
    { id: 3, name: 'cup', synonyms: ['cup'], frequency: 'c' },
  ],
  images: [
    {
      id: 11,
      width: 60,
      height: 40,
      coco_url: 'http://images.cocodataset.org/train2017/000000000011.jpg',
      neg_category_ids: [2, 99],
      not_exhaustive_category_ids: [1],
    },
    {
      id: 12,
      width: 60,
      height: 40,
      coco_url: 'http://images.cocodataset.org/val2017/000000000012.jpg',
      neg_category_ids: [],
    },
    { id: 13, width: 60, height: 40, file_name: 'COCO_val2014_000000000013.jpg' },
  ],
  annotations: [{ id: 5, image_id: 11, category_id: 1, bbox: [1, 2, 10, 12.5], area: 70, segmentation: [] }],
};

describe('LVIS', () => {
  it('says which names are absent and of which there may be more', async () => {
    const { samples, vocabulary, ...rest } = await readFiles(reader, { 'l.json': file }, { path: 'l.json' });
    expect(vocabulary).toEqual([
      { name: 'bow (decorative ribbons)', synonyms: ['hair bow'], frequency: 'f', sourceId: 1 },
      { name: 'acorn', frequency: 'r', sourceId: 2 },
      { name: 'cup', frequency: 'c', sourceId: 3 },
    ]);
    expect(samples[0]).toMatchObject({
      id: '11',
      image: { file: 'train2017/000000000011.jpg' },
      phrases: [{ text: 'acorn', regions: [], kind: 'name' }],
      coverage: { complete: [], isClosed: false, partialCategories: ['bow (decorative ribbons)'] },
    });
    expect(samples.map(({ image }) => image?.file.split('/').length)).toEqual([2, 2, 1]);
    expect(faultCounts({ samples, vocabulary, ...rest })).toEqual({ 'unknown-category': 1 });
  });

  it('finds images in the folder of both years and in that of one', async () => {
    const jpeg = await imageFile(60, 40, 'jpeg');
    const files = { 'l.json': file, 'images/train2017/000000000011.jpg': jpeg, 'images/000000000012.jpg': jpeg };
    const result = await readFiles(reader, files, { path: 'l.json', images: 'images' });
    expect(result.samples.map(({ image }) => image?.file)).toEqual(['train2017/000000000011.jpg', '000000000012.jpg']);
    expect(result.faults['missing-image']?.examples).toEqual([
      { kind: 'missing-image', sample: '13', value: 'COCO_val2014_000000000013.jpg' },
    ]);
  });

  it('survives damage', async () => {
    await fuzzReader(reader, { 'l.json': file }, { path: 'l.json' }, { targets: ['l.json'] });
  });
});

const hundred = fileURLToPath(new URL('../../../../shared/reference/suites/lvis/lvis_val_100.json', import.meta.url));

describe.skipIf(!existsSync(hundred))('LVIS’s hundred', () => {
  it('has 977 regions in 100 images', async () => {
    const { samples, vocabulary, faults } = await readFolder(reader, dirname(hundred), { path: 'lvis_val_100.json' });
    expect(samples).toHaveLength(100);
    expect(samples.reduce((sum, { regions }) => sum + regions.length, 0)).toBe(977);
    expect(vocabulary).toHaveLength(1230);
    expect(new Set(vocabulary.map(({ name }) => name)).size).toBe(1230);
    expect(faults).toEqual({});
  });
});
