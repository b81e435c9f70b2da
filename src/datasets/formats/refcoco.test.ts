import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { fuzzReader } from '../testing/fuzz.ts';
import { python2Pickle } from '../testing/pickle.ts';
import { faultCounts, readFiles } from '../testing/read-all.ts';
import { reader } from './refcoco.ts';

const name = 'COCO_train2014_000000000005.jpg';
const references = [
  {
    ref_id: 0,
    ann_id: 11,
    image_id: 5,
    category_id: 1,
    split: 'train',
    file_name: 'COCO_train2014_000000000005_0.jpg',
    sentences: [
      { tokens: ['red', 'cup'], raw: 'Red cup', sent_id: 0, sent: 'red cup' },
      { tokens: ['café'], raw: 'Café', sent_id: 1, sent: "café's <obj3> cup" },
    ],
  },
  { ref_id: 1, ann_id: 99, image_id: 5, split: 'testA', sentences: [{ sent: 'gone' }] },
  { ref_id: 2, ann_id: 12, image_id: 77, split: 'val', sentences: [{ sent: 'no image' }] },
];
const instances = {
  images: [
    { id: 5, file_name: name, width: 60, height: 40 },
    { id: 6, file_name: 'other.jpg', width: 60, height: 40 },
  ],
  annotations: [
    { id: 10, image_id: 5, category_id: 1, bbox: [30, 5, 10, 10] },
    { id: 11, image_id: 5, category_id: 1, bbox: [1, 5, 10, 10] },
  ],
  categories: [{ id: 1, name: 'cup' }],
};
const options = { path: 'refs(unc).p', instances: 'instances.json' };

describe('RefCOCO', () => {
  it.each([
    ['Python 2’s text', python2Pickle(references, 0)],
    ['Python 2’s protocol 2', python2Pickle(references, 2)],
  ])('reads pickles in %s', async (_, pickle) => {
    const result = await readFiles(reader, { 'refs(unc).p': pickle, 'instances.json': instances }, options);
    expect(result.samples).toHaveLength(1);
    expect(result.samples[0]).toMatchObject({
      id: '5',
      image: { file: name },
      regions: [{ sourceId: '10', category: 'cup' }, { sourceId: '11' }],
      phrases: [
        { text: 'red cup', regions: [1], kind: 'referring' },
        { text: "café's <obj3> cup", regions: [1], kind: 'referring' },
      ],
      coverage: { complete: [], isClosed: false },
    });
    expect(faultCounts(result)).toEqual({ 'lost-reference': 1, 'unknown-image': 1 });
  });

  it('takes one split, and gRefCOCO’s expressions of several regions and of none', async () => {
    const sentences = [{ sent: 'both cups' }];
    const several = [
      { image_id: 5, ann_id: [10, 11], split: 'train', sentences },
      { image_id: 5, ann_id: [-1], split: 'train', sentences: [{ sent: 'a dog' }] },
      { image_id: 5, ann_id: [10], split: 'val', sentences },
    ];
    const files = { 'grefs.json': several, 'instances.json': instances };
    const result = await readFiles(reader, files, { ...options, path: 'grefs.json', split: 'train+testA' });
    expect(result.samples[0].phrases.map(({ text, regions }) => [text, regions])).toEqual([
      ['both cups', [0, 1]],
      ['a dog', []],
    ]);
  });

  it('refuses pickles that would run something, and those without boxes', async () => {
    const files = { 'r.p': Buffer.from("cos\nsystem\n(S'echo'\ntR."), 'instances.json': instances };
    await expect(readFiles(reader, files, { path: 'r.p', instances: 'instances.json' })).rejects.toMatchObject({
      code: 'invalid-file',
    });
    await expect(readFiles(reader, files, { path: 'r.p' })).rejects.toThrow(/give instances=/);
  });

  it('reads the Parquet mirrors: boxes of raw_anns, or bbox as xywh', async () => {
    const file = parquetWriteBuffer({
      columnData: [
        { name: 'image_path', data: [`coco/train2014/${name}`, `coco/train2014/${name}`, ''] },
        {
          name: 'raw_anns',
          data: [{ bbox: [1, 5, 10, 10] }, { bbox: [30, 5, 10, 10] }, {}].map((value) => JSON.stringify(value)),
        },
        { name: 'raw_image_info', data: Array(3).fill(JSON.stringify({ width: 60, height: 40 })) },
        {
          name: 'sentences',
          data: [[{ sent: 'left cup' }, { sent: 'left cup' }], [{ raw: 'right' }], []],
          type: 'JSON',
        },
        {
          name: 'bbox',
          data: [
            [1, 5, 11, 15],
            [30, 5, 40, 15],
            [0, 0, 1, 1],
          ],
          type: 'JSON',
        },
        { name: 'split', data: ['train', 'train', 'train'] },
      ],
    });
    const result = await readFiles(reader, { 'a.parquet': new Uint8Array(file) }, { path: 'a.parquet' });
    expect(result.samples[0].regions.map(({ boxXyxy }) => boxXyxy)).toEqual([
      [1, 5, 11, 15],
      [30, 5, 40, 15],
    ]);
    expect(result.samples[0].phrases.map(({ text, regions }) => [text, regions])).toEqual([
      ['left cup', [0]],
      ['right', [1]],
    ]);
    expect(faultCounts(result)).toEqual({ 'bad-record': 1 });
    const other = parquetWriteBuffer({
      columnData: [
        { name: 'file_name', data: ['COCO_train2014_000000000005_16.jpg'] },
        { name: 'answer', data: [['the cup', 'a cup']], type: 'JSON' },
        { name: 'bbox', data: [[1, 5, 10, 10]], type: 'JSON' },
      ],
    });
    const lmms = await readFiles(reader, { 'b.parquet': new Uint8Array(other) }, { path: 'b.parquet' });
    expect(lmms.samples[0]).toMatchObject({ id: name, regions: [{ boxXyxy: [1, 5, 11, 15] }] });
    expect(lmms.samples[0].phrases).toHaveLength(2);
  });

  it('reads the JSON Lines mirrors and the COCO-like ones', async () => {
    const shikra = {
      img_path: name,
      expression: 'a cup',
      bbox: [1, 5, 11, 15],
      width: 60,
      height: 40,
      dataset_name: 'refcoco',
    };
    const internVl = { image: `coco/train2014/${name}`, sent: 'a cup', bbox: [1, 5, 11, 15], width: 60, height: 40 };
    const lines = `${JSON.stringify(shikra)}\n${JSON.stringify({ ...shikra, expression: 'the left one' })}\n${JSON.stringify({})}\n`;
    const first = await readFiles(reader, { 'a.jsonl': lines }, { path: 'a.jsonl' });
    expect(first.samples).toHaveLength(1);
    expect(first.samples[0].phrases.map(({ regions }) => regions)).toEqual([[0], [0]]);
    const second = await readFiles(reader, { 'a.jsonl': JSON.stringify(internVl) }, { path: 'a.jsonl' });
    expect(second.samples[0].image).toEqual({ file: name, size: { width: 60, height: 40 } });
    const coco = {
      images: [
        { id: 1, file_name: name, caption: 'the cup', dataset_name: 'refcoco', original_id: 5, width: 60, height: 40 },
      ],
      annotations: [{ id: 1, image_id: 1, bbox: [1, 5, 10, 10], category_id: 1 }],
      categories: [{ id: 1, name: 'object' }],
    };
    const third = await readFiles(reader, { 'finetune.json': coco }, { path: 'finetune.json' });
    expect(third.samples[0]).toMatchObject({
      regions: [{ boxXyxy: [1, 5, 11, 15] }],
      phrases: [{ text: 'the cup', regions: [0] }],
    });
  });

  it('survives damage', async () => {
    const files = { 'refs(unc).p': python2Pickle(references, 2), 'instances.json': instances };
    await fuzzReader(reader, files, options, { targets: ['refs(unc).p'], runs: 80 });
    const texts = { ...files, 'refs(unc).p': python2Pickle(references, 0) };
    await fuzzReader(reader, texts, options, { targets: ['refs(unc).p'], runs: 80 });
    const parquet = parquetWriteBuffer({
      columnData: [
        { name: 'file_name', data: ['COCO_train2014_000000000005_16.jpg', 'x.jpg'] },
        { name: 'answer', data: ['the cup', 'a cup'] },
        {
          name: 'bbox',
          data: [
            [1, 5, 10, 10],
            [1, 1, 2, 2],
          ],
          type: 'JSON',
        },
      ],
    });
    await fuzzReader(
      reader,
      { 'b.parquet': new Uint8Array(parquet) },
      { path: 'b.parquet' },
      { targets: ['b.parquet'], runs: 80 },
    );
  });
});
