import { describe, expect, it } from 'vitest';
import { fuzzReader } from '../testing/fuzz.ts';
import { faultCounts, readFiles } from '../testing/read-all.ts';
import { reader } from './mdvp.ts';

const conversations = [
  { from: 'human', value: 'What are <Region 1> and <Mark 2>?' },
  { from: 'gpt', value: '<Region 1>: a cup. Region 2: a plate.' },
];
const rows = [
  {
    image: 'coco/a.jpg',
    bbox: [
      [1, 2, 10, 20],
      [5, 5, 0, 1],
    ],
    conversations,
  },
  {
    image: 'coco/b.jpg',
    bbox: [1, 2, 10, 20],
    conversations: [{ from: 'human', value: 'Say <Region 1>' }, conversations[1]],
  },
  { image: 'coco/c.jpg', points: [[1, 2]], conversations },
  {
    image_name: 'd.jpg',
    question: 'Describe each.',
    question_id: 4,
    gt_answers: 'Region 1: a cup\nRegion 2: a dog',
    bbox: [
      [1, 1, 5, 5],
      [8, 8, 5, 5],
    ],
  },
];

describe('MDVP-Data', () => {
  it('ties regions to boxes of x, y, width, height', async () => {
    const result = await readFiles(reader, { 'm.json': rows }, { path: 'm.json' });
    expect(result.samples.map(({ id, regions, conversations }) => [id, regions.length, conversations.length])).toEqual([
      // A conversation about a region that is lost is lost with it.
      ['0', 1, 0],
      ['1', 1, 1],
      ['3-4', 2, 1],
    ]);
    expect(result.samples[1].regions[0].boxXyxy).toEqual([1, 2, 11, 22]);
    expect(result.samples[2].conversations[0].turns[0].answer).toEqual([
      { kind: 'phrase', text: 'region 1', objects: [0] },
      { kind: 'text', text: ': a cup\n' },
      { kind: 'phrase', text: 'region 2', objects: [1] },
      { kind: 'text', text: ': a dog' },
    ]);
    expect(faultCounts(result)).toEqual({ 'no-area': 1, 'lost-reference': 1, 'bad-record': 1 });
  });

  it('survives damage', async () => {
    await fuzzReader(reader, { 'm.json': rows }, { path: 'm.json' }, { targets: ['m.json'], runs: 40 });
  });
});
