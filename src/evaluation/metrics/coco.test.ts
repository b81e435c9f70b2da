import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { recordsOf, scopeOf } from '../suites/detection.ts';
import { type DetectionTruth, detectionIds, readDetectionTruth } from '../suites/detection-files.ts';
import { readDetections } from '../suites/read-detections.ts';
import { type CocoEvaluation, type CocoMetrics, evaluateCoco } from './coco.ts';
import type { DetectedBox, GroundTruthBox } from './records.ts';

const fixture = (name: string) => fileURLToPath(new URL(`../../../fixtures/metrics/${name}`, import.meta.url));
const readJson = (name: string) => JSON.parse(readFileSync(fixture(name), 'utf8'));

function expectMetrics(found: CocoMetrics, expected: Partial<CocoMetrics>, tolerance: number): void {
  for (const [name, value] of Object.entries(expected)) {
    expect(Math.abs(found[name as keyof CocoMetrics] - value), name).toBeLessThanOrEqual(tolerance);
  }
}

describe('evaluateCoco equals pycocotools', () => {
  let dataset: DetectionTruth;
  let detections: DetectedBox[];
  beforeAll(async () => {
    dataset = await readDetectionTruth(fixture('coco-val2014-annotations.json'));
    const { columns } = await readDetections(fixture('coco-val2014-results.json'), detectionIds(dataset));
    detections = recordsOf(dataset, columns);
  });

  it('on 100 images of COCO val2014: all twelve numbers', () => {
    const { metrics } = evaluateCoco(dataset.truths, detections, scopeOf(dataset));
    const expected = readJson('coco-val2014-expected.json').val2014_100_fakebbox;
    expect(Object.keys(expected)).toHaveLength(12);
    expectMetrics(metrics, expected, 1e-12);
  });

  it('on the same images without crowds and with the box as area: the numbers of the review of object detection metrics', () => {
    const truths = dataset.truths.filter((truth) => !truth.isCrowd).map((truth) => ({ ...truth, area: undefined }));
    // rafaelpadilla/review_object_detection_metrics, tests/test_coco_eval.py, six digits.
    const published = {
      AP: 0.503647,
      AP50: 0.696973,
      AP75: 0.571667,
      APs: 0.593252,
      APm: 0.557991,
      APl: 0.489363,
      AR1: 0.386813,
      AR10: 0.59368,
      AR100: 0.595353,
      ARs: 0.654764,
      ARm: 0.60313,
      ARl: 0.553744,
    };
    expectMetrics(evaluateCoco(truths, detections, scopeOf(dataset)).metrics, published, 1e-6);
  });

  describe('on awkward scenes: crowds, ties, empty images, 130 detections in one, exact thresholds', () => {
    const { dataset: raw, results, expected, expectedClassAgnostic } = readJson('coco-random.json');
    const truths: GroundTruthBox[] = raw.annotations.map((entry: Record<string, unknown>) => ({
      imageId: entry.image_id,
      categoryId: entry.category_id,
      boxXywh: entry.bbox,
      area: entry.area,
      isCrowd: entry.iscrowd === 1,
    }));
    const detected: DetectedBox[] = results.map((entry: Record<string, unknown>) => ({
      imageId: entry.image_id,
      categoryId: entry.category_id,
      boxXywh: entry.bbox,
      score: entry.score,
    }));
    const scope = {
      imageIds: raw.images.map(({ id }: { id: number }) => id),
      categoryIds: raw.categories.map(({ id }: { id: number }) => id),
    };

    it('by category', () => {
      const found = evaluateCoco(truths, detected, scope);
      expectMetrics(found.metrics, expected.metrics, 1e-12);
      expect([...found.byCategory.keys()].map(String)).toEqual(Object.keys(expected.byCategory));
      for (const [category, metrics] of found.byCategory) expectMetrics(metrics, expected.byCategory[category], 1e-12);
    });

    it('class-agnostic', () => {
      const found = evaluateCoco(truths, detected, { ...scope, isClassAgnostic: true });
      expectMetrics(found.metrics, expectedClassAgnostic.metrics, 1e-12);
      expect(found.byCategory.size).toBe(0);
    });

    it('takes images and categories from the records when none are named', () => {
      expect(evaluateCoco(truths, detected)).toEqual(evaluateCoco(truths, detected, scope));
    });
  });
});

describe('evaluateCoco', () => {
  const truth = (imageId: number, boxXywh: GroundTruthBox['boxXywh'], categoryId = 1) => ({
    imageId,
    categoryId,
    boxXywh,
  });
  const all = (evaluation: CocoEvaluation) => Object.values(evaluation.metrics);

  it('is -1 everywhere when there is nothing to find, 0 when nothing was found', () => {
    expect(all(evaluateCoco([], []))).toEqual(Array(15).fill(-1));
    expect(all(evaluateCoco([], [{ ...truth(1, [0, 0, 5, 5]), score: 1 }]))).toEqual(Array(15).fill(-1));
    const { metrics } = evaluateCoco([truth(1, [0, 0, 50, 50])], []);
    expect(metrics).toMatchObject({ AP: 0, AR100: 0, APs: -1, APm: 0, APl: -1 });
  });

  it('gives 1 to the truth itself, whatever the ids and scores', () => {
    const record = fc.record({
      imageId: fc.integer({ min: 0, max: 5 }),
      categoryId: fc.integer({ min: 0, max: 3 }),
      boxXywh: fc.tuple(fc.nat(300), fc.nat(300), fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 200 })),
      score: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 40 }), fc.boolean(), (records, isClassAgnostic) => {
        const { metrics } = evaluateCoco(records, records, { isClassAgnostic });
        expect([metrics.AP, metrics.AR100, metrics.AR100At50]).toEqual([1, 1, 1].map((one) => expect.closeTo(one, 9)));
      }),
    );
  });

  it('ignores what is outside the named images and categories', () => {
    const truths = [truth(1, [0, 0, 9, 9]), truth(2, [0, 0, 9, 9]), truth(1, [0, 0, 9, 9], 2)];
    const detections = [{ ...truth(1, [0, 0, 9, 9]), score: 0.5 }];
    expect(evaluateCoco(truths, detections, { imageIds: [1], categoryIds: [1] }).metrics.AP).toBeCloseTo(1, 12);
    expect(evaluateCoco(truths, detections).metrics.AR100).toBeCloseTo(0.25, 12);
  });

  it('says what is wrong with bad records', () => {
    expect(() => evaluateCoco([], [{ ...truth(7, [0, 0, 1, 1]), score: Number.NaN }])).toThrow('image 7');
    expect(() => evaluateCoco([truth(7, [0, 0, 1, Infinity])], [])).toThrow('four finite numbers');
  });
});
