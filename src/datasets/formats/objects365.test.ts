import { describe, expect, it } from 'vitest';
import { fuzzReader } from '../testing/fuzz.ts';
import { imageFile } from '../testing/images.ts';
import { faultCounts, readFiles } from '../testing/read-all.ts';
import { namesOf, reader } from './objects365.ts';

const file = {
  images: [
    {
      id: 420917,
      width: 40,
      height: 30,
      file_name: 'images/v1/patch8/objects365_v1_00420917.jpg',
      license: 5,
      url: '',
    },
    { id: 900002, width: 40, height: 30, file_name: 'images/v2/patch40/objects365_v2_00900002.jpg' },
    { id: 3, width: 40, height: 30, file_name: 'obj365_train_000000000003.jpg' },
  ],
  annotations: [
    {
      id: 1,
      iscrowd: 0,
      isfake: 0,
      area: 50,
      isreflected: 0,
      bbox: [30.5, 20, 12, 5],
      image_id: 420917,
      category_id: 38,
    },
    { id: 2, iscrowd: 1, area: 50, bbox: [1, 1, 12, 5], image_id: 420917, category_id: 53 },
  ],
  categories: [
    { id: 38, name: 'Moniter/TV' },
    { id: 53, name: 'Bakset' },
    { id: 331, name: 'Formula 1 ' },
  ],
};

describe('Objects365', () => {
  it('has its names mended and split', async () => {
    const result = await readFiles(reader, { 'o.json': file }, { path: 'o.json' });
    expect(result.vocabulary).toEqual([
      { name: 'monitor', synonyms: ['tv'], sourceId: 38 },
      { name: 'basket', sourceId: 53 },
      { name: 'formula 1 car', sourceId: 331 },
    ]);
    expect(result.samples[0].regions).toMatchObject([
      { boxXyxy: [30.5, 20, 40, 25], category: 'monitor', areaPixels: 50 },
      { category: 'basket', isIgnored: true },
    ]);
    expect(faultCounts(result)).toEqual({ 'box-clipped': 1 });
    expect(namesOf('Cigar/Cigarette ')).toEqual(['cigar', 'cigarette']);
  });

  it('finds images in patches, whatever comes before in their names, and says which are missing', async () => {
    const jpeg = await imageFile(40, 30, 'jpeg');
    const files = {
      'o.json': file,
      'train/patch8/objects365_v1_00420917.jpg': jpeg,
      'train/obj365_train_000000000003.jpg': jpeg,
    };
    const result = await readFiles(reader, files, { path: 'o.json', images: 'train' });
    expect(result.samples.map(({ image }) => image?.file)).toEqual([
      'patch8/objects365_v1_00420917.jpg',
      'obj365_train_000000000003.jpg',
    ]);
    expect(faultCounts(result)).toMatchObject({ 'missing-image': 1 });
  });

  it('survives damage', async () => {
    await fuzzReader(reader, { 'o.json': file }, { path: 'o.json' }, { targets: ['o.json'], runs: 40 });
  });
});
