import { describe, expect, it } from 'vitest';
import { fuzzReader } from '../testing/fuzz.ts';
import { faultCounts, readFiles } from '../testing/read-all.ts';
import { reader } from './paco.ts';

const file = {
  images: [
    {
      id: 7,
      width: 100,
      height: 50,
      file_name: 'val2017/000000000007.jpg',
      neg_category_ids: [9],
      neg_category_ids_attrs: {},
    },
  ],
  annotations: [
    { id: 10, image_id: 7, category_id: 3, bbox: [40, 10, 8, 8], obj_ann_id: 11, dom_color_ids: [] },
    {
      id: 11,
      image_id: 7,
      category_id: 2,
      bbox: [10, 10, 40, 30],
      obj_ann_id: 11,
      dom_color_ids: [5],
      attribute_ids: [5, 6],
    },
    { id: 12, image_id: 7, category_id: 3, bbox: [60, 10, 0, 8], obj_ann_id: 11 },
    { id: 13, image_id: 7, category_id: 3, bbox: [60, 10, 5, 8], obj_ann_id: 99, dom_color_ids: [5, 6] },
  ],
  categories: [
    { id: 2, name: 'mug', frequency: 'f' },
    { id: 3, name: 'mug:inner_body' },
    { id: 9, name: 'can_opener' },
  ],
  attributes: [
    { id: 5, name: 'red' },
    { id: 6, name: 'plain' },
  ],
  part_categories: [{ id: 1, name: 'inner_body' }],
};

describe('PACO', () => {
  it('ties parts to their objects, and tells fine from coarse', async () => {
    const result = await readFiles(reader, { 'p.json': file }, { path: 'p.json' });
    const [{ regions, phrases, coverage, image }] = result.samples;
    expect(regions).toMatchObject([
      { category: 'mug inner body', granularities: ['fine'], partOf: 1, sourceId: '10' },
      { category: 'mug', granularities: ['coarse'], attributes: { color: 'red' }, sourceId: '11' },
      { category: 'mug inner body', granularities: ['fine'], sourceId: '13' },
    ]);
    expect([regions[1].partOf, regions[2].partOf, regions[2].attributes]).toEqual([undefined, undefined, undefined]);
    expect(phrases).toEqual([{ text: 'can opener', regions: [], kind: 'name' }]);
    expect(coverage).toEqual({ complete: [], isClosed: false, partialCategories: ['mug inner body'] });
    expect(image?.file).toBe('val2017/000000000007.jpg');
    expect(faultCounts(result)).toEqual({ 'no-area': 1 });
  });

  it('survives damage', async () => {
    await fuzzReader(reader, { 'p.json': file }, { path: 'p.json' }, { targets: ['p.json'], runs: 40 });
  });
});
