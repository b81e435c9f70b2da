import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { fuzzReader } from '../testing/fuzz.ts';
import { faultCounts, readFiles } from '../testing/read-all.ts';
import { reader } from './hiertext.ts';

const square = (x: number, y: number, side: number) => [
  [x, y],
  [x + side, y],
  [x + side, y + side],
  [x, y + side],
];
const word = (text: string, x: number, legible = true) => ({
  vertices: square(x, 5, 10),
  text,
  legible,
  handwritten: false,
  vertical: false,
});
const file = {
  info: { date: '2022', version: 'v1.0' },
  annotations: [
    {
      image_id: '9d8f5ae0c8b2e5d1',
      image_width: 100,
      image_height: 80,
      paragraphs: [
        {
          vertices: square(0, 0, 50),
          legible: true,
          lines: [
            {
              vertices: square(5, 5, 30),
              text: 'two <obj3>',
              legible: true,
              words: [word('two', 5), word('<obj3>', 20)],
            },
            { vertices: square(5, 40, 9), text: '', legible: false, words: [] },
          ],
        },
        { vertices: square(60, 60, 10), legible: false, lines: [] },
      ],
    },
    { image_id: 5 },
  ],
};

describe('HierText', () => {
  it('is one gzipped object; illegible text is ignored, special tokens stay text', async () => {
    const result = await readFiles(reader, { 'v.jsonl.gz': gzipSync(JSON.stringify(file)) }, { path: 'v.jsonl.gz' });
    const [{ regions, phrases, image, coverage }] = result.samples;
    expect(image).toEqual({ file: '9d8f5ae0c8b2e5d1.jpg', size: { width: 100, height: 80 } });
    expect(regions).toEqual([
      { boxXyxy: [5, 5, 35, 35], category: 'text', granularities: ['coarse'] },
      { boxXyxy: [5, 40, 14, 49], category: 'text', granularities: ['coarse'], isIgnored: true },
      { boxXyxy: [60, 60, 70, 70], category: 'text', granularities: ['coarse'], isIgnored: true },
    ]);
    expect(phrases).toEqual([{ text: 'two <obj3>', regions: [0], kind: 'description' }]);
    expect(coverage).toEqual({ complete: ['coarse'], isClosed: true });
    expect(faultCounts(result)).toEqual({ 'bad-record': 1 });
  });

  it('has words and paragraphs too', async () => {
    const words = await readFiles(reader, { 'v.json': file }, { path: 'v.json', level: 'word' });
    expect(words.samples[0].regions.map(({ isIgnored }) => isIgnored ?? false)).toEqual([false, false, true, true]);
    const paragraphs = await readFiles(reader, { 'v.json': file }, { path: 'v.json', level: 'paragraph' });
    expect(paragraphs.samples[0].phrases).toEqual([{ text: 'two <obj3>\n', regions: [0], kind: 'description' }]);
  });

  it('says that a gzip was cut', async () => {
    const cut = gzipSync(JSON.stringify(file)).subarray(0, 60);
    await expect(readFiles(reader, { 'v.jsonl.gz': cut }, { path: 'v.jsonl.gz' })).rejects.toThrow(
      /cannot be read to its end/,
    );
  });

  it('survives damage', async () => {
    const files = { 'v.json': file, 'v.gz': gzipSync(JSON.stringify(file)) };
    await fuzzReader(reader, files, { path: 'v.json' }, { targets: ['v.json'], runs: 40 });
    await fuzzReader(reader, files, { path: 'v.gz' }, { targets: ['v.gz'], runs: 40 });
  });
});
