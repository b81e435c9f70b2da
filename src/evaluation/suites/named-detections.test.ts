import { describe, expect, it } from 'vitest';
import { baselineStyles } from '../baselines/styles.ts';
import { scoreCoco } from './detection.ts';
import type { DetectionTruth } from './detection-files.ts';
import { namedDetections } from './named-detections.ts';
import type { RawRecord } from './record-files.ts';

const truth: DetectionTruth = {
  path: 'x',
  images: [
    { id: 4, fileName: 'a.jpg', width: 200, height: 100 },
    { id: 9, fileName: 'b.jpg', width: 200, height: 100 },
  ],
  categories: [
    { id: 1, name: 'traffic_light' },
    { id: 5, name: 'dog' },
  ],
  truths: [
    { imageId: 4, categoryId: 1, boxXywh: [0, 0, 100, 50] },
    { imageId: 9, categoryId: 5, boxXywh: [100, 50, 100, 50] },
  ],
};
const read = (records: RawRecord[], style?: string) =>
  namedDetections([{ path: 'answers.jsonl', records }], truth, style === undefined ? undefined : baselineStyles[style]);

describe('answers that only name boxes', () => {
  it('come as Rex-Omni writes them', () => {
    const answers = read([
      {
        image_path: 'x/a.jpg',
        extracted_predictions: { 'Traffic light': [[0, 0, 100, 50], 'None', [1]], sofa: [[0, 0, 1, 1]] },
      },
      { image_name: 'b.jpg', extracted_predictions: { dog: [[100, 50, 200, 100]] } },
      { image_name: 'c.jpg', extracted_predictions: {} },
    ]);
    expect([...answers.columns.image]).toEqual([0, 1]);
    expect([...answers.columns.boxesXywh]).toEqual([0, 0, 100, 50, 100, 50, 100, 50]);
    expect([answers.unknownImages, answers.unknownCategories]).toEqual([1, 1]);
    const { figures } = scoreCoco(truth, answers);
    expect(figures.precision50).toBeCloseTo(1, 12);
    expect(figures.recall50).toBe(1);
  });

  it('come as the scripts of the baselines write them: thousandths, left, top, width and height', () => {
    const rect = [500, 500, 500, 500];
    const answers = read([
      { id: 9, file_name: 'b.jpg', annotations: [{ class: 'dog', rect }, { class: 'dog' }], response: '' },
    ]);
    expect([...answers.columns.boxesXywh]).toEqual([100, 50, 100, 50]);
    expect(answers.notes).toContain('1 object that could not be read left out');
  });

  it('come in words, read by a style; names that were not asked for are counted', () => {
    const response =
      '[{"class": "dog", "rect": [500, 500, 1000, 1000]}, {"class": "cat", "rect": [1, 2, 3, 4]}, {"class": "do';
    const answers = read([{ image_id: 9, response }], 'qwen2-vl');
    expect([...answers.columns.boxesXywh]).toEqual([100, 50, 100, 50]);
    expect(answers.notes.slice(1)).toEqual([
      '1 box of a name that was not asked for left out',
      '1 object that could not be read left out',
      '1 answer cut in the middle',
    ]);
    const shikra = read([{ image_id: 4, category: 'traffic light', response: '[0.0,0.25,0.5,0.5]' }], 'shikra');
    expect([...shikra.columns.category]).toEqual([0]);
    expect([...shikra.columns.boxesXywh]).toEqual([0, 0, 100, 50]);
    expect(() => read([{ image_id: 4, response }])).toThrow(/with --style, a text/);
  });
});
