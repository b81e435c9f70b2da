import { describe, expect, it } from 'vitest';
import { fuzzReader } from '../testing/fuzz.ts';
import { faultCounts, readFiles } from '../testing/read-all.ts';
import { reader } from './osprey.ts';

const annotation = [
  { segmentation: [[10, 10, 30, 10, 30, 25]], area: 150, bbox: [0, 0, 1, 1] },
  { segmentation: { size: [50, 60], counts: [51, 4, 46, 2, 2897] } },
];
const rows = [
  {
    id: '9',
    file_name: 'COCO_train2014_000000000009.jpg',
    height: 50,
    width: 60,
    annotation,
    conversations: [
      { from: 'human', value: '<image>\nWhat is <region1> beside <region2> and <region9>?' },
      { from: 'gpt', value: '<region1> is a cup.' },
    ],
  },
  {
    file_name: 'b.jpg',
    height: 50,
    width: 60,
    annotation,
    description: ['<region1>: a red cup.', '<region2>:  a plate', '<region7>: x', 5],
  },
  { file_name: 'c.jpg', height: 50, width: 60, annotation: [{ segmentation: [[1, 2, 3]] }], conversations: [] },
  { height: 50 },
];

describe('Osprey-724K', () => {
  it('draws boxes around masks, and ties regions of texts to them', async () => {
    const result = await readFiles(reader, { 'o.json': rows }, { path: 'o.json', suffix: ' Answer briefly.' });
    const [first, second] = result.samples;
    expect(first).toMatchObject({
      id: '0-9',
      image: { file: '000000000009.jpg', size: { width: 60, height: 50 } },
      regions: [
        { boxXyxy: [10, 10, 30, 25], areaPixels: 150, sourceId: 'region1' },
        { boxXyxy: [1, 1, 3, 5], areaPixels: 6, sourceId: 'region2' },
      ],
    });
    expect(first.conversations[0].turns).toEqual([
      {
        question: [
          { kind: 'text', text: 'What is ' },
          { kind: 'phrase', text: '', objects: [0] },
          { kind: 'text', text: ' beside ' },
          { kind: 'phrase', text: '', objects: [1] },
          { kind: 'text', text: ' and <region9>? Answer briefly.' },
        ],
        answer: [
          { kind: 'phrase', text: 'region 1', objects: [0] },
          { kind: 'text', text: ' is a cup.' },
        ],
      },
    ]);
    expect(second.phrases).toEqual([
      { text: 'a red cup.', regions: [0], kind: 'description' },
      { text: 'a plate', regions: [1], kind: 'description' },
    ]);
    expect(faultCounts(result)).toEqual({ 'bad-record': 2 });
  });

  it('survives damage', async () => {
    await fuzzReader(reader, { 'o.json': rows }, { path: 'o.json' }, { targets: ['o.json'], runs: 40 });
  });
});
