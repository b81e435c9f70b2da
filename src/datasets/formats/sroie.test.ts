import { describe, expect, it } from 'vitest';
import { fuzzReader } from '../testing/fuzz.ts';
import { imageFile } from '../testing/images.ts';
import { faultCounts, readFiles, type TestFiles } from '../testing/read-all.ts';
import { reader } from './sroie.ts';

const jpeg = await imageFile(200, 300, 'jpeg');
const receipt = Buffer.concat([
  Buffer.from('\uFEFF10,10,110,10,110,30,10,30,TAN CHAY YEE, KL\r\n\r\n'),
  Buffer.from('10,40,110,42,110,60,10,58,CAF'),
  Buffer.from([0xc9]),
  Buffer.from('\nno line\n10,70,110,70,110,90,10,90,\n'),
]);
const files: TestFiles = {
  'train/box/X1.txt': receipt,
  'train/box/X1(1).txt': receipt,
  'train/img/X1.jpg': jpeg,
  'train/box/X2.txt': '1,1,2,1,2,2,1,2,a\n',
  'train/entities/X1.txt': '{"company": "x"}',
};

describe('SROIE', () => {
  it('splits at eight commas; single bytes, empty lines and copies do no harm', async () => {
    const result = await readFiles(reader, files, { path: 'train' });
    expect(result.samples).toHaveLength(1);
    const [{ regions, phrases, image }] = result.samples;
    expect(image?.file).toBe('img/X1.jpg');
    expect(regions.map(({ boxXyxy }) => boxXyxy)).toEqual([
      [10, 10, 110, 30],
      [10, 40, 110, 60],
      [10, 70, 110, 90],
    ]);
    expect(phrases.map(({ text, regions }) => [text, regions])).toEqual([
      ['TAN CHAY YEE, KL', [0]],
      ['CAFÉ', [1]],
    ]);
    expect(faultCounts(result)).toEqual({ 'duplicate-image': 1, 'bad-record': 1, 'missing-image': 1 });
  });

  it('survives damage', async () => {
    await fuzzReader(reader, files, { path: 'train' }, { targets: ['train/box/X1.txt'], runs: 40 });
  });
});
