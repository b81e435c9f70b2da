import { describe, expect, it } from 'vitest';
import { fuzzReader } from '../testing/fuzz.ts';
import { imageFile } from '../testing/images.ts';
import { faultCounts, readFiles } from '../testing/read-all.ts';
import { reader } from './vcr.ts';

const row = {
  movie: 'm',
  objects: ['person', 'person', 'cup'],
  img_fn: 'lsmdc/a.jpg',
  metadata_fn: 'lsmdc/a.json',
  question: ['Why', 'is', [0], 'looking', 'at', [1, 2], '?'],
  question_orig: 'Why is 1 looking at 2 and 3?',
  answer_choices: [
    ['No', '.'],
    [[0], "'s", 'thirsty', ',', 'and', [2], 'is', 'full', '.'],
  ],
  answer_label: 1,
  rationale_choices: [['It', 'is', "n't", 'empty', '.']],
  rationale_label: 0,
  annot_id: 'train-0',
};
const metadata = {
  boxes: [
    [1, 2, 20, 30, 0.99],
    [30, 2, 50, 30, 0.5],
    [10, 10, 15, 15, 0.7],
  ],
  segms: [],
  width: 60,
  height: 40,
};
const lines = [
  row,
  { ...row, annot_id: 'b', question: ['x', [7]] },
  { ...row, annot_id: 'c', metadata_fn: 'gone.json' },
  { ...row, annot_id: 'd', answer_label: undefined },
];
const files = {
  'train.jsonl': lines.map((line) => JSON.stringify(line)).join('\n'),
  'vcr1images/lsmdc/a.json': metadata,
  'vcr1images/lsmdc/a.jpg': await imageFile(60, 40, 'jpeg'),
};
const options = { path: 'train.jsonl', images: 'vcr1images' };

describe('VCR', () => {
  it('counts objects from 0, as its word lists do', async () => {
    const result = await readFiles(reader, files, options);
    expect(result.samples).toHaveLength(1);
    expect(result.vocabulary).toEqual([{ name: 'cup' }, { name: 'person' }]);
    expect(result.samples[0].regions[1]).toEqual({
      boxXyxy: [30, 2, 50, 30],
      category: 'person',
      granularities: ['coarse'],
      score: 0.5,
      sourceId: '1',
    });
    const [about, why] = result.samples[0].conversations[0].turns;
    expect(about.question).toEqual([
      { kind: 'text', text: 'Why is ' },
      { kind: 'phrase', text: '', objects: [0] },
      { kind: 'text', text: ' looking at ' },
      { kind: 'phrase', text: '', objects: [1, 2] },
      { kind: 'text', text: '?' },
    ]);
    expect(about.answer.map(({ text }) => text).join('')).toBe("person's thirsty, and cup is full.");
    expect(why.answer).toEqual([{ kind: 'text', text: "It isn't empty." }]);
    expect(faultCounts(result)).toEqual({ 'bad-record': 3 });
  });

  it('survives damage', async () => {
    const targets = ['train.jsonl', 'vcr1images/lsmdc/a.json'];
    await fuzzReader(reader, files, options, { targets, runs: 40 });
  });
});
