import { describe, expect, it } from 'vitest';
import { fuzzReader } from '../testing/fuzz.ts';
import { faultCounts, readFiles } from '../testing/read-all.ts';
import { reader } from './bamboo.ts';

const labels = { id2name: { n1: ['black_cat', 'tom'], n2: 'dog' }, id2desc: {}, father2child: {}, child2father: {} };
const boxes = {
  images: [{ id: 'a', file_name: 'a.jpg', width: 30, height: 30 }],
  annotations: [
    { id: 1, image_id: 'a', category_id: 'n1', bbox: [1, 1, 5, 5] },
    { id: 2, image_id: 'a', category_id: 'n9', bbox: [9, 1, 5, 5] },
  ],
};

describe('Bamboo', () => {
  it('takes names from the label file', async () => {
    const result = await readFiles(reader, { 'b.json': boxes, 'l.json': labels }, { path: 'b.json', labels: 'l.json' });
    expect(result.vocabulary).toEqual([{ name: 'black cat', synonyms: ['tom'] }, { name: 'dog' }]);
    expect(result.samples[0].regions.map(({ category }) => category)).toEqual(['black cat', undefined]);
    expect(faultCounts(result)).toEqual({ 'unknown-category': 1 });
  });

  it('says what its label file lacks', async () => {
    const read = (content: object | string) =>
      readFiles(reader, { 'b.json': boxes, 'l.json': content }, { path: 'b.json', labels: 'l.json' });
    await expect(read({})).rejects.toThrow(/expected an object id2name/);
    await expect(read('{"id2name": ')).rejects.toThrow(/l\.json: not JSON: it ends too early/);
    await expect(readFiles(reader, { 'b.json': boxes }, { path: 'b.json', labels: 'l.json' })).rejects.toThrow(
      /labels=FILE/,
    );
  });

  it('survives damage', async () => {
    const files = { 'b.json': boxes, 'l.json': labels };
    const options = { path: 'b.json', labels: 'l.json' };
    await fuzzReader(reader, files, options, { targets: ['b.json', 'l.json'], runs: 40 });
  });
});
