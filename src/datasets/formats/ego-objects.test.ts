import { describe, expect, it } from 'vitest';
import { fuzzReader } from '../testing/fuzz.ts';
import { faultCounts, readFiles } from '../testing/read-all.ts';
import { reader } from './ego-objects.ts';

const file = {
  info: {},
  images: [
    {
      id: 1,
      width: 100,
      height: 50,
      url: 'A_1.jpg',
      subset: 'val',
      neg_category_ids: [2],
      not_exhaustive_category_ids: [1],
    },
    { id: 2, width: 100, height: 50, url: 'B_2.jpg', subset: 'test' },
    { id: 3, width: 100, height: 50, subset: 'val' },
  ],
  annotations: [
    {
      id: 1,
      image_id: 1,
      category_id: 1,
      bbox: [1, 1, 10, 10],
      area: 100,
      instance_id: 'x',
      category_freeform: 'my mug',
    },
    { id: 2, image_id: 1, bbox: [20, 1, 10, 10], area: 100, instance_id: 'y', category_freeform: 'odd_thing' },
    { id: 3, image_id: 1, category_id: 77, bbox: [40, 1, 10, 10] },
  ],
  categories: [
    { id: 1, name: 'mug', frequency: 'f' },
    { id: 2, name: 'Ceiling_fan', frequency: 'c' },
  ],
};

describe('EgoObjects', () => {
  it('takes the url for the file, and what a person said for a phrase where there is no category', async () => {
    const result = await readFiles(reader, { 'e.json': file }, { path: 'e.json', subset: 'val' });
    expect(result.samples).toHaveLength(1);
    expect(result.samples[0]).toMatchObject({
      image: { file: 'A_1.jpg' },
      phrases: [
        { text: 'Ceiling fan', regions: [], kind: 'name' },
        { text: 'odd thing', regions: [1], kind: 'phrase' },
      ],
      coverage: { complete: [], isClosed: false, partialCategories: ['mug'] },
    });
    expect(result.samples[0].regions.map(({ category }) => category)).toEqual(['mug', undefined, undefined]);
    expect(faultCounts(result)).toEqual({ 'unknown-category': 1, 'bad-record': 1 });
  });

  it('survives damage', async () => {
    await fuzzReader(reader, { 'e.json': file }, { path: 'e.json' }, { targets: ['e.json'], runs: 40 });
  });
});
