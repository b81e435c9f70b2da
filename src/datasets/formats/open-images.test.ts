import { describe, expect, it } from 'vitest';
import { fuzzReader } from '../testing/fuzz.ts';
import { imageFile } from '../testing/images.ts';
import { faultCounts, readFiles, type TestFiles } from '../testing/read-all.ts';
import { reader } from './open-images.ts';

const header =
  'ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside';
const rows = [
  '0a,xclick,/m/01g317,1,0.1,0.5,0.2,0.8,1,1,0,0,0',
  '0b,xclick,/m/01g317,1,0,1,0,1,0,0,1,0,0',
  '0a,activemil,/m/04dr76w,0.5,0.5,1,0.5,1,-1,-1,-1,-1,-1',
  '0a,xclick,/m/unknown,1,0.5,1,,1,0,0,0,0,0',
  '0c,xclick,/m/01g317,1,0,1,0,1,0,0,0,0,0',
  '0a,xclick',
];
const image = await imageFile(100, 50, 'jpeg');
const files: TestFiles = {
  'boxes.csv': `\uFEFF${header}\r\n${rows.join('\r\n')}\r\n`,
  'classes.csv': '/m/01g317,Person\n/m/04dr76w,Bottle\n"/m/0x","Cat, or dog"\n',
  'labels.csv':
    'ImageID,Source,LabelName,Confidence\n0a,verification,/m/0x,0\n0a,verification,/m/01g317,0\n0a,verification,/m/04dr76w,1\n',
  'images/0a.jpg': image,
  'images/train/0b.jpg': image,
};
const options = { path: 'boxes.csv', classes: 'classes.csv', images: 'images' };

describe('OpenImages', () => {
  it('reads columns by name, x x y y, and leaves groups out of teaching', async () => {
    const result = await readFiles(reader, files, options);
    expect(result.vocabulary.map(({ name }) => name)).toEqual(['Person', 'Bottle', 'Cat, or dog']);
    expect(result.samples.map(({ id, image }) => [id, image?.file])).toEqual([
      ['0a', '0a.jpg'],
      ['0b', 'train/0b.jpg'],
    ]);
    expect(result.samples[0].regions).toEqual([
      { boxXyxy: [10, 10, 50, 40], category: 'Person', granularities: ['coarse'] },
      { boxXyxy: [50, 25, 100, 50], category: 'Bottle', granularities: ['coarse'], score: 0.5 },
    ]);
    expect(result.samples[1].regions[0].isIgnored).toBe(true);
    expect(result.samples[0].coverage).toEqual({ complete: [], isClosed: false });
    expect(faultCounts(result)).toEqual({ 'bad-record': 1, 'bad-box': 1, 'unknown-category': 1, 'missing-image': 1 });
    expect(result.faults['bad-box']?.examples[0].value).toBe('[0.5,,1,1]');
  });

  it('takes from people which names are absent', async () => {
    const { samples } = await readFiles(reader, files, { ...options, labels: 'labels.csv' });
    expect(samples[0].phrases).toEqual([{ text: 'Cat, or dog', regions: [], kind: 'name' }]);
  });

  it('refuses a file without its columns', async () => {
    const other = { ...files, 'boxes.csv': 'ImageID,XMin\n0a,1\n' };
    await expect(readFiles(reader, other, options)).rejects.toThrow(
      /has no column LabelName: its header has ImageID, XMin/,
    );
    await expect(readFiles(reader, { ...files, 'boxes.csv': '' }, options)).rejects.toThrow(/has no column ImageID/);
  });

  it('survives damage', async () => {
    const targets = ['boxes.csv', 'classes.csv', 'labels.csv'];
    await fuzzReader(reader, files, { ...options, labels: 'labels.csv' }, { targets, runs: 60 });
  });
});
