import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { fuzzReader } from '../testing/fuzz.ts';
import { faultCounts, readFiles } from '../testing/read-all.ts';
import { reader } from './json-lines.ts';

const sample = {
  id: 'one',
  image: { file: 'a.jpg', size: { width: 50, height: 40 } },
  regions: [
    {
      boxXyxy: [1, 2, 30, 20],
      category: 'cup',
      granularities: ['fine', 'coarse'],
      attributes: { color: 'red' },
      score: 0.5,
    },
    { boxXyxy: [1, 2, 10, 10], granularities: ['fine'], partOf: 0, isIgnored: true, sourceId: 'x' },
  ],
  phrases: [{ text: 'the cup <obj3>', regions: [0], kind: 'referring' }],
  conversations: [
    {
      task: 'conversation',
      turns: [
        {
          question: [
            { kind: 'text', text: 'What is <image> ' },
            { kind: 'phrase', text: '', objects: [1] },
          ],
          answer: [
            { kind: 'phrase', text: 'a handle', objects: [1] },
            { kind: 'text', text: '.' },
          ],
          accepted: ['handle'],
          kind: 'part',
        },
      ],
    },
  ],
  coverage: { complete: ['fine'], isClosed: false, partialCategories: ['plate'] },
};
const lines = (...values: unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join('');
const header = { vocabulary: [{ name: 'cup', synonyms: ['mug'], frequency: 'r', sourceId: 3 }] };
const read = (content: string | Uint8Array) => readFiles(reader, { 'd.jsonl': content }, { path: 'd.jsonl' });

describe('our own JSON Lines', () => {
  it('are read as they are', async () => {
    const { samples, vocabulary, faults } = await read(lines(header, sample));
    expect(samples).toEqual([sample]);
    expect(vocabulary).toEqual(header.vocabulary);
    expect(faults).toEqual({});
    expect((await read(gzipSync(lines(sample)))).vocabulary).toEqual([{ name: 'cup' }]);
  });

  it('may be an array, and may say next to nothing', async () => {
    const { samples } = await read('\uFEFF [{"id": "a", "image": {"file": "a.jpg"}}]');
    expect(samples[0]).toMatchObject({ regions: [], coverage: { complete: [], isClosed: false } });
  });

  it('are read on past lines that are wrong', async () => {
    const stray = { ...sample, id: 'two', phrases: [{ text: 'x', regions: [2], kind: 'name' }] };
    const other = { id: 'three', regions: [{ boxXyxy: [1, 1, 2, 2], category: 'mug' }] };
    const text = `${lines(header, stray, sample, { no: 'id' }, other, sample)}{"id": "cut`;
    const result = await read(text);
    expect(faultCounts(result)).toEqual({ 'bad-record': 3, 'unknown-category': 1, 'duplicate-image': 1 });
    expect(result.samples.map(({ id }) => id)).toEqual(['one', 'three']);
    expect(result.faults['bad-record']?.examples.map(({ source, value }) => `${source}: ${value}`)).toEqual([
      'line 2: region 2 is mentioned, there are 2',
      'line 4: id: Invalid input: expected string, received undefined',
      expect.stringMatching(/^line 7: it ends too early/),
    ]);
    await expect(read('one\ntwo\n')).rejects.toThrow(/d\.jsonl:1: not JSON.*expected JSON Lines/);
  });

  it('lose the words of a region that is lost, and say so', async () => {
    const [cup, handle] = sample.regions;
    const result = await read(lines({ ...sample, regions: [{ ...cup, boxXyxy: [5, 5, 5, 9] }, handle] }));
    expect(result.samples[0]).toMatchObject({ regions: [{ granularities: ['fine'] }], phrases: [] });
    expect(result.samples[0].regions[0].partOf).toBeUndefined();
    expect(result.samples[0].conversations[0].turns[0].answer[0]).toMatchObject({ objects: [0] });
    expect(result.samples[0].coverage.partialCategories).toEqual(['plate', 'cup']);
    expect(faultCounts(result)).toEqual({ 'no-area': 1, 'lost-reference': 1 });
    const other = await read(lines({ ...sample, regions: [cup, { ...handle, boxXyxy: null }] }));
    expect(other.samples[0].conversations).toEqual([]);
    expect(faultCounts(other)).toEqual({ 'bad-box': 1, 'lost-reference': 1 });
  });

  it('survive damage', async () => {
    const files = { 'd.jsonl': lines(header, sample, { ...sample, id: 'two' }) };
    await fuzzReader(reader, files, { path: 'd.jsonl' }, { targets: ['d.jsonl'], runs: 150 });
  });
});
