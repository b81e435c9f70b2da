import { describe, expect, it } from 'vitest';
import { fuzzReader } from '../testing/fuzz.ts';
import { imageFile } from '../testing/images.ts';
import { faultCounts, readFiles } from '../testing/read-all.ts';
import { reader } from './sa1b.ts';

const segmentation = { size: [30, 40], counts: 'abc' };
const record = {
  image: { image_id: 11, width: 40, height: 30, file_name: 'sa_11.jpg' },
  annotations: [
    {
      id: 1,
      segmentation,
      bbox: [1, 2, 10, 20],
      area: 150,
      predicted_iou: 0.93,
      stability_score: 0.97,
      crop_box: [0, 0, 40, 30],
    },
    { id: 2, segmentation: { size: [30, 40], counts: [31, 4, 26, 2, 1137] }, area: 6, predicted_iou: 1.02 },
    { id: 3, segmentation, area: 6 },
  ],
};
const files = { 'data/sa_000/sa_11.json': record, 'data/sa_000/sa_11.jpg': await imageFile(40, 30, 'jpeg') };

describe('SA-1B', () => {
  it('gives boxes without names for the fine prompt alone', async () => {
    const result = await readFiles(reader, files, { path: 'data' });
    expect(result.samples).toHaveLength(1);
    expect(result.samples[0]).toMatchObject({
      id: '11',
      image: { file: 'sa_000/sa_11.jpg' },
      regions: [
        { boxXyxy: [1, 2, 11, 22], granularities: ['fine'], areaPixels: 150, score: 0.93, sourceId: '1' },
        { boxXyxy: [1, 1, 3, 5], granularities: ['fine'], areaPixels: 6, score: 1 },
      ],
      coverage: { complete: ['fine'], isClosed: false },
    });
    expect(faultCounts(result)).toEqual({ 'bad-box': 1 });
  });

  it('goes on past files that are damaged', async () => {
    const more = { ...files, 'data/sa_12.json': '{"image": ', 'data/sa_13.json': '[]' };
    const result = await readFiles(reader, more, { path: 'data', check: 'false' });
    expect([result.samples.length, faultCounts(result)]).toEqual([1, { 'bad-record': 2, 'bad-box': 1 }]);
  });

  it('survives damage', async () => {
    await fuzzReader(reader, files, { path: 'data' }, { targets: ['data/sa_000/sa_11.json'], runs: 40 });
  });
});
