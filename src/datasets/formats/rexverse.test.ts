import { describe, expect, it } from 'vitest';
import { fuzzReader } from '../testing/fuzz.ts';
import { imageFile } from '../testing/images.ts';
import { faultCounts, readFiles, type TestFiles } from '../testing/read-all.ts';
import { reader } from './rexverse.ts';

const [first, second] = await Promise.all([imageFile(80, 60, 'jpeg'), imageFile(100, 50)]);
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const imageLines = [`a\t${base64(first)}\n`, `b\tb'${base64(second)}'\n`];
const starts = [0, imageLines[0].length];
const xyxy = {
  boxes: [
    { bbox: [10, 20, 75, 55], phrase: 'a <obj3> cup' },
    { bbox: null, phrase: 'a dog' },
    { bbox: [50, 5, 80, 50], phrase: 'x' },
  ],
};
const xywh = {
  boxes: [
    { bbox: [50, 30, 30, 20], phrase: 'a cup' },
    { bbox: [60, 5, 20, 50], phrase: 'x' },
  ],
};

function tsv(values: readonly object[], offsets: readonly number[]): TestFiles {
  const lines = values.map((value, at) => `${offsets[at]}\t${JSON.stringify(value)}\n`);
  const index = lines.map((_, at) => lines.slice(0, at).join('').length);
  return { 'a.tsv': lines.join(''), 'a.tsv.lineidx': `${index.join('\n')}\n`, 'i.tsv': imageLines.join('') };
}
const options = { path: 'a.tsv', images: 'i.tsv' };

describe('Rexverse-2M', () => {
  it('finds images by byte offset, in base64, and decides how boxes are written', async () => {
    const files = tsv([xyxy, { boxes: [] }, xyxy], [0, starts[1], 99_999]);
    const result = await readFiles(reader, files, options);
    expect(result.samples.map(({ id, image }) => [id, image?.size])).toEqual([
      ['0', { width: 80, height: 60 }],
      ['1', { width: 100, height: 50 }],
    ]);
    expect(result.samples[0].image).toMatchObject({ file: 'i.tsv', range: [2, starts[1] - 1], isBase64: true });
    expect(result.samples[0].regions.map(({ boxXyxy }) => boxXyxy)).toEqual([
      [10, 20, 75, 55],
      [50, 5, 80, 50],
    ]);
    expect(result.samples[0].phrases).toEqual([
      { text: 'a <obj3> cup', regions: [0], kind: 'description' },
      { text: 'a dog', regions: [], kind: 'description' },
      { text: 'x', regions: [1], kind: 'description' },
    ]);
    expect(result.notes[0]).toMatch(
      /^boxes are read as xyxy: 2 boxes of the first 3 lines can only be xyxy, 0 only xywh/,
    );
    expect(faultCounts(result)).toEqual({ 'bad-record': 1 });
    const other = await readFiles(reader, tsv([xywh], [0]), options);
    expect(other.notes[0]).toMatch(/read as xywh/);
    expect(other.samples[0].regions[0].boxXyxy).toEqual([50, 30, 80, 50]);
  });

  it('reads images in parts, and says where the line index is wrong', async () => {
    const files = {
      ...tsv([xyxy, xyxy], [0, starts[1]]),
      'i0.tsv': imageLines[0],
      'i1.tsv': imageLines[1],
      'a.tsv.lineidx': '0\n7\n',
    };
    const result = await readFiles(reader, files, {
      path: 'a.tsv',
      images: 'i0.tsv+i1.tsv',
      boxes: 'xyxy',
      kind: 'referring',
    });
    expect(result.samples.map(({ image }) => image?.file)).toEqual(['i0.tsv', 'i1.tsv']);
    expect(result.samples[0].phrases[0].kind).toBe('referring');
    expect(result.faults['bad-record']?.examples[0].value).toMatch(/^1 of 2 lines start elsewhere, the first: line 1/);
  });

  it('survives damage', async () => {
    const files = tsv([xyxy, xywh], starts);
    await fuzzReader(reader, files, options, { targets: ['a.tsv', 'i.tsv', 'a.tsv.lineidx'], runs: 60 });
  });
});
