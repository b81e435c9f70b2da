import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openIndexed } from '../indexed-dataset.ts';
import { inspectDataset } from '../inspect.ts';
import { fuzzReader } from '../testing/fuzz.ts';
import { faultCounts, readFiles } from '../testing/read-all.ts';
import { reader } from './coco.ts';

const file = {
  info: { description: 'made for a test' },
  // Annotations before images and categories, as some tools write them.
  annotations: [
    { id: 7, image_id: 0, category_id: 18, bbox: [10, 20, 30, 40], area: 900.5, iscrowd: 0, segmentation: [] },
    { id: 7, image_id: 0, category_id: 1, bbox: [0, 0, 5.5, 5], iscrowd: 1, area: 20 },
    { id: 9, image_id: 'x', category_id: 18, bbox: [1, 2, 3, 4] },
  ],
  images: [
    { id: 0, file_name: 'a.jpg', width: 100, height: 80 },
    { id: 5, file_name: 'empty.jpg', width: 10, height: 10 },
    { id: 'x', file_name: 'b/<image>.jpg', width: 20, height: 20 },
  ],
  categories: [
    { id: 1, name: 'person' },
    { id: 18, name: 'dog' },
  ],
};

const read = (content: object | string) => readFiles(reader, { 'i.json': content }, { path: 'i.json' });

describe('COCO', () => {
  it('becomes samples, with ids from 0, equal ids, texts as ids and a missing iscrowd', async () => {
    const { samples, vocabulary, faults } = await read(file);
    expect(faults).toEqual({});
    expect(vocabulary).toEqual([
      { name: 'person', sourceId: 1 },
      { name: 'dog', sourceId: 18 },
    ]);
    expect(samples[0]).toEqual({
      id: '0',
      image: { file: 'a.jpg', size: { width: 100, height: 80 } },
      regions: [
        { boxXyxy: [10, 20, 40, 60], category: 'dog', granularities: ['coarse'], areaPixels: 900.5, sourceId: '7' },
        {
          boxXyxy: [0, 0, 5.5, 5],
          category: 'person',
          granularities: ['coarse'],
          isIgnored: true,
          areaPixels: 20,
          sourceId: '7',
        },
      ],
      phrases: [],
      conversations: [],
      coverage: { complete: ['coarse'], isClosed: true },
    });
    expect(samples.map(({ id, regions }) => [id, regions.length])).toEqual([
      ['0', 2],
      ['5', 0],
      ['x', 1],
    ]);
  });

  it('counts and lists faults with the value and the id of the annotation', async () => {
    const bad = (fields: object) => ({ image_id: 0, category_id: 1, bbox: [1, 1, 2, 2], ...fields });
    const annotations = [
      bad({ id: 1, bbox: [5, 5, -3, 4] }),
      bad({ id: 2, bbox: [] }),
      bad({ id: 3, bbox: [5, 5, 0, 4] }),
      bad({ id: 4, bbox: [200, 5, 10, 4] }),
      bad({ id: 5, bbox: [90, 70, 20, 20] }),
      bad({ id: 6, bbox: [90, 70, 10.4, 10] }),
      bad({ id: 7, category_id: 99 }),
      bad({ id: 8, image_id: 77 }),
      bad({ id: 9 }),
      bad({ id: 10 }),
      'text',
    ];
    const text = JSON.stringify({ ...file, annotations: [bad({ id: 0, bbox: ['N', 1, 2, 2] }), ...annotations] });
    const result = await read(text.replace('"N"', 'NaN'));
    expect(faultCounts(result)).toEqual({
      'bad-record': 1,
      'bad-box': 3,
      'no-area': 1,
      'box-outside': 1,
      'box-clipped': 1,
      'unknown-category': 1,
      'unknown-image': 1,
      'duplicate-region': 2,
    });
    expect(result.faults['bad-box']?.examples).toEqual(
      [
        { kind: 'bad-box', sample: '0', source: '0', value: '[NaN,1,2,2]' },
        { kind: 'bad-box', sample: '0', source: '1', value: '[5,5,-3,4]' },
        { kind: 'bad-box', sample: '0', source: '2', value: '[]' },
      ].map((fault) => expect.objectContaining(fault)),
    );
    const [sample] = result.samples;
    expect(sample.regions.map(({ boxXyxy }) => boxXyxy)).toEqual([
      [90, 70, 100, 80],
      [90, 70, 100, 80],
      [1, 1, 3, 3],
      [1, 1, 3, 3],
      [1, 1, 3, 3],
    ]);
    // What could not be read may be a person; what is of category 99 may be anything.
    expect(sample.coverage).toEqual({ complete: ['coarse'], isClosed: false, partialCategories: ['person'] });
  });

  it('leaves the second of two images with one id out', async () => {
    const images = [file.images[0], { ...file.images[0], file_name: 'c.jpg' }];
    const result = await read({ ...file, images, annotations: file.annotations.slice(0, 2) });
    expect(faultCounts(result)).toEqual({ 'duplicate-image': 1 });
    expect(result.samples.map(({ image, regions }) => [image?.file, regions.length])).toEqual([['a.jpg', 2]]);
  });

  it('takes boxes from masks where boxes are missing', async () => {
    const annotations = [
      { id: 1, image_id: 0, category_id: 1, segmentation: [[2, 3, 12, 3, 12, 9]] },
      { id: 2, image_id: 0, category_id: 1, segmentation: { size: [80, 100], counts: [83, 4, 7913] } },
      { id: 3, image_id: 0, category_id: 1 },
    ];
    const result = await read({ ...file, annotations });
    expect(result.samples[0].regions.map(({ boxXyxy }) => boxXyxy)).toEqual([
      [2, 3, 12, 9],
      [1, 3, 2, 7],
    ]);
    expect(faultCounts(result)).toEqual({ 'bad-box': 1 });
  });

  it('takes what the user says of its labels', async () => {
    const options = { path: 'i.json', granularity: 'both', complete: 'none', closed: 'false' };
    const { samples } = await readFiles(reader, { 'i.json': file }, options);
    expect(samples[0].regions[0].granularities).toEqual(['fine', 'coarse']);
    expect(samples[0].coverage).toEqual({ complete: [], isClosed: false });
  });

  it('refuses files that are not COCO with place and reason in one line', async () => {
    await expect(read('{"images": [], "annotations": [{"id": 1},\n]}')).rejects.toThrow(
      /i\.json:2:1: .*comma before \]/,
    );
    await expect(read('{"images": [{"id": 1}')).rejects.toThrow(/i\.json:1:22: .*cut off/);
    await expect(read('{"id": 1}\n{"id": 2}')).rejects.toThrow(/"id" that is not a list|JSON Lines/);
    await expect(read('[{"id": 1}]')).rejects.toThrow(/expected lists "images"/);
    await expect(read({ images: {} })).rejects.toThrow(/"images" that is not a list/);
    await expect(read('')).rejects.toThrow(/empty/);
    await expect(read('<html>')).rejects.toThrow(/web page/);
    await expect(readFiles(reader, {}, { path: 'absent.json' })).rejects.toMatchObject({ code: 'not-found' });
    expect((await read(`\uFEFF${JSON.stringify(file)}`)).samples).toHaveLength(3);
  });

  it('survives damage', async () => {
    await fuzzReader(reader, { 'i.json': file }, { path: 'i.json' }, { targets: ['i.json'], runs: 150 });
  });
});

const photos = fileURLToPath(new URL('../../../../shared/photos/coco/', import.meta.url));

describe.skipIf(!existsSync(photos))('COCO photographs', () => {
  it('are counted and decoded', async () => {
    const cache = await mkdtemp(join(tmpdir(), 'chatrex-cache-'));
    try {
      const options = { path: join(photos, 'instances.json'), images: join(photos, 'images') };
      const dataset = await openIndexed(reader, options, { cacheFolder: cache });
      const report = await inspectDataset(dataset);
      expect(report).toMatchObject({ images: 142, regions: 1330, ignoredRegions: 16, categories: 80, faults: {} });
      const full = await dataset.image(0);
      const small = await dataset.image(0, { width: 100, height: 100 });
      expect([full.width, full.height, small.width, small.height]).toEqual([640, 428, 160, 107]);
      await dataset.close();
    } finally {
      await rm(cache, { recursive: true });
    }
  });
});
