import { describe, expect, it } from 'vitest';
import { fuzzReader } from '../testing/fuzz.ts';
import { imageFile } from '../testing/images.ts';
import { faultCounts, readFiles } from '../testing/read-all.ts';
import { reader } from './crowdhuman.ts';

const person = {
  tag: 'person',
  fbox: [-20, 5, 40, 100],
  vbox: [2, 5, 18, 30],
  hbox: [5, 5, 8, 8],
  head_attr: { ignore: 0, occ: 1, unsure: 0 },
  extra: { box_id: 3, occ: 1 },
};
const lines = [
  {
    ID: '273271,c9db000d5146c15',
    gtboxes: [person, { ...person, extra: { box_id: 4, ignore: 1 } }, { tag: 'mask', fbox: [50, 5, 10, 10] }],
  },
  { ID: 'b', gtboxes: [] },
  { ID: 'c' },
];
const files = {
  'a.odgt': lines.map((line) => JSON.stringify(line)).join('\n'),
  'Images/273271,c9db000d5146c15.jpg': await imageFile(80, 60, 'jpeg'),
  'Images/b.jpg': await imageFile(80, 60, 'jpeg'),
};

describe('CrowdHuman', () => {
  it('clips full bodies without complaint and ignores masks', async () => {
    const result = await readFiles(reader, files, { path: 'a.odgt', images: 'Images' });
    expect(result.samples[0].regions).toEqual([
      { boxXyxy: [0, 5, 20, 60], category: 'person', granularities: ['coarse'], sourceId: '3' },
      { boxXyxy: [0, 5, 20, 60], category: 'person', granularities: ['coarse'], isIgnored: true, sourceId: '4' },
      { boxXyxy: [50, 5, 60, 15], category: 'person', granularities: ['coarse'], isIgnored: true, sourceId: '#2' },
    ]);
    expect(result.samples[1].coverage).toEqual({ complete: ['coarse'], isClosed: true });
    expect(faultCounts(result)).toEqual({ 'bad-record': 1 });
  });

  it('reads what is visible, or heads', async () => {
    const visible = await readFiles(reader, files, { path: 'a.odgt', box: 'visible' });
    expect(visible.samples[0].regions[0].boxXyxy).toEqual([2, 5, 20, 35]);
    const heads = await readFiles(reader, files, { path: 'a.odgt', box: 'head' });
    expect(heads.samples[0].regions[0]).toMatchObject({ boxXyxy: [5, 5, 13, 13], category: 'head' });
  });

  it('survives damage', async () => {
    await fuzzReader(reader, files, { path: 'a.odgt' }, { targets: ['a.odgt'], runs: 40 });
  });
});
