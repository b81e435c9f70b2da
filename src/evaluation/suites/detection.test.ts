import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixedCap, scoreCoco, scoreLvis } from './detection.ts';
import { type DetectionTruth, detectionIds, readDetectionTruth } from './detection-files.ts';
import { proposalLines, scoreProposals } from './proposals.ts';
import { readDetections } from './read-detections.ts';

const fixtures = fileURLToPath(new URL('../../../fixtures/', import.meta.url));
const shared = fileURLToPath(new URL('../../../../shared/reference/', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'detections-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function write(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

interface LvisCase {
  truth: object;
  detections: [number, number, number, number, number, number, number][];
  official: Record<string, number>;
  fixed: Record<string, number>;
  fixed12: Record<string, number>;
}
const lvisCases: LvisCase[] = JSON.parse(readFileSync(`${fixtures}evaluation/lvis.json`, 'utf8'));

/** What Rex-Omni's program makes of the same detections. */
const unscored: { lvis: Record<string, number>[]; coco: Record<string, number> } = JSON.parse(
  readFileSync(`${fixtures}evaluation/fastevaluate.json`, 'utf8'),
);

const resultsOf = ({ detections }: LvisCase) =>
  detections.map(([image_id, category_id, x, y, width, height, score]) => ({
    image_id,
    category_id,
    bbox: [x, y, width, height],
    score,
  }));

function expectFigures(figures: Readonly<Record<string, number | null>>, expected: Record<string, number>): void {
  for (const [name, value] of Object.entries(expected)) {
    expect(figures[name.split('@')[0]], name).toBeCloseTo(value, 9);
  }
}

describe('LVIS', () => {
  it.each(lvisCases.map((one, seed) => ({ seed, one })))('as the package lvis, seed $seed', async ({ seed, one }) => {
    const truth = await readDetectionTruth(await write(`truth-${seed}.json`, JSON.stringify(one.truth)));
    const answers = await readDetections(
      await write(`results-${seed}.json`, JSON.stringify(resultsOf(one))),
      detectionIds(truth),
    );
    expectFigures(scoreLvis(truth, answers).figures, one.official);
    expectFigures(scoreLvis(truth, answers, fixedCap()).figures, one.fixed);
    expectFigures(scoreLvis(truth, answers, fixedCap(12)).figures, one.fixed12);
    // Without scores, by the authors' own program.
    expectFigures(scoreLvis(truth, answers).byKind['as published (Rex-Omni)'], unscored.lvis[seed]);
  });

  it('refuses files without federated annotations', async () => {
    const path = `${fixtures}metrics/coco-val2014-annotations.json`;
    const truth = await readDetectionTruth(path);
    const answers = await readDetections(await write('none.json', '[]'), detectionIds(truth));
    expect(() => scoreLvis(truth, answers)).toThrow(/neg_category_ids.*use suite coco/);
  });

  it.skipIf(!existsSync(shared))('on a hundred images of LVIS, official and fixed', async () => {
    const { results } = JSON.parse(readFileSync(`${shared}suites/lvis/expected.json`, 'utf8'));
    const [official, fixed, fixed20] = Object.values(results) as Record<string, number>[];
    const truth = await readDetectionTruth(`${shared}suites/lvis/lvis_val_100.json`);
    const answers = await readDetections(`${shared}suites/lvis/detections.json`, detectionIds(truth));
    expectFigures(scoreLvis(truth, answers).figures, official);
    expectFigures(scoreLvis(truth, answers, fixedCap()).figures, fixed);
    expectFigures(scoreLvis(truth, answers, fixedCap(20)).figures, fixed20);
  });
});

describe('COCO', () => {
  it('as pycocotools, from the files', async () => {
    const expected = JSON.parse(readFileSync(`${fixtures}metrics/coco-val2014-expected.json`, 'utf8'));
    const truth = await readDetectionTruth(`${fixtures}metrics/coco-val2014-annotations.json`);
    const answers = await readDetections(`${fixtures}metrics/coco-val2014-results.json`, detectionIds(truth));
    const { figures, byKind } = scoreCoco(truth, answers);
    expectFigures(byKind['as published (Rex-Omni)'], unscored.coco);
    for (const name of ['AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'AR1', 'AR10', 'AR100', 'ARs', 'ARm', 'ARl']) {
      expect(figures[name], name).toBeCloseTo(expected[name] ?? expected.val2014_100_fakebbox?.[name], 9);
    }
  });

  it('gives precision and recall of predictions without scores both ways', () => {
    const truth: DetectionTruth = {
      path: 'x',
      images: [1, 2, 3].map((id) => ({ id })),
      categories: ['cat', 'dog', 'cow', 'owl'].map((name, i) => ({ id: i + 1, name })),
      truths: [
        { imageId: 1, categoryId: 1, boxXywh: [0, 0, 10, 10] },
        { imageId: 2, categoryId: 1, boxXywh: [0, 0, 10, 10] },
        { imageId: 2, categoryId: 2, boxXywh: [20, 20, 10, 10] },
        { imageId: 3, categoryId: 3, boxXywh: [0, 0, 10, 10] },
      ],
    };
    const rows: [image: number, category: number, box: number[], score: number][] = [
      // A false alarm before the hit; a score that would put it last has no effect.
      [0, 0, [50, 50, 9, 9], 0.01],
      [0, 0, [0, 0, 10, 10], 0.9],
      // The second cat is missed. After the last hit false alarms do not count, except plainly.
      [1, 0, [90, 90, 9, 9], 0.5],
      [1, 1, [20, 20, 10, 10], 0.5],
      // Of a category that the image does not have.
      [2, 0, [1, 1, 9, 9], 0.5],
    ];
    const columns = {
      count: rows.length,
      image: Int32Array.from(rows, ([image]) => image),
      category: Int32Array.from(rows, ([, category]) => category),
      boxesXywh: Float64Array.from(rows.flatMap(([, , box]) => box)),
      score: Float64Array.from(rows, ([, , , score]) => score),
    };
    const answers = { columns, unknownImages: 0, unknownCategories: 0 };
    const { figures, byKind } = scoreCoco(truth, answers);
    // Cat: hit at the second place, so .5; dog 1; cow found by nothing.
    expect(figures.precision50).toBeCloseTo((0.5 + 1 + 0) / 3, 12);
    expect(figures.recall50).toBeCloseTo((0.5 + 1 + 0) / 3, 12);
    expect(figures.precision50WithoutZeros).toBeCloseTo(0.75, 12);
    expect(figures.recall50WithoutZeros).toBeCloseTo(0.75, 12);
    expect(figures.precision50Plain).toBeCloseTo((1 / 3 + 1 + 0) / 3, 12);
    // The cow and the owl repeat the dog's precision there.
    expect(byKind['as published (Rex-Omni)'].precision50).toBeCloseTo((0.5 + 1 + 1 + 1) / 4, 12);
    const all = scoreCoco(truth, answers, { hasAllCategories: true });
    expect(all.figures.precision50Plain).toBeCloseTo((1 / 4 + 1 + 0) / 3, 12);
  });
});

describe('results files', () => {
  const ids = { images: new Map([[7, 0]]), categories: new Map([[3, 0]]) };
  const read = async (content: string | Uint8Array) => readDetections(await write('results.json', content), ids);

  it('are read whatever their layout, to the last bit', async () => {
    const odd = `\uFEFF [ {"score": 0.12345678901234566, "bbox": [1e1, -2.5, 3.25,4 ], "image_id": 7, "category_id" : 3,
      "segmentation": {"counts": "a]}\\"{", "size": [1, 2]}, "more": [[{"x": 1}], null]}
      ,{"image_id":7,"category_id":3,"bbox":[0.1,0.2,0.3,1000000.123456],"score":1}]`;
    const { columns } = await read(odd);
    expect([...columns.score]).toEqual([0.12345678901234566, 1]);
    expect([...columns.boxesXywh]).toEqual([10, -2.5, 3.25, 4, 0.1, 0.2, 0.3, 1000000.123456]);
    expect((await read(gzipSync(Buffer.from(odd)))).columns.count).toBe(2);
  });

  it('are read the same wherever the reads of the file cut them', async () => {
    const number = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }),
      fc.integer({ min: -999_999, max: 999_999 }),
      fc.integer({ min: -99_999, max: 99_999 }).map((value) => value / 100),
    );
    const side = number.map(Math.abs);
    const detection = fc.record({
      image_id: fc.constantFrom(7, 8),
      bbox: fc.tuple(number, number, side, side),
      category_id: fc.constant(3),
      extra: fc.oneof(fc.string(), fc.object({ maxDepth: 2 })),
      score: number,
    });
    const file = fc.tuple(
      fc.array(detection, { maxLength: 6 }),
      fc.constantFrom(0, 2),
      fc.integer({ min: 1, max: 40 }),
    );
    await fc.assert(
      fc.asyncProperty(file, async ([detections, indent, chunkBytes]) => {
        const path = await write('cut.json', JSON.stringify(detections, null, indent));
        const { columns, unknownImages } = await readDetections(path, ids, { chunkBytes });
        const known = detections.filter(({ image_id }) => image_id === 7);
        expect([...columns.score]).toEqual(known.map(({ score }) => score + 0));
        expect([...columns.boxesXywh]).toEqual(known.flatMap(({ bbox }) => bbox.map((value) => value + 0)));
        expect(unknownImages).toBe(detections.length - known.length);
      }),
      { numRuns: 40 },
    );
  });

  it('leave out what the truth does not have, and say how many', async () => {
    const one = (image_id: number, category_id: number) => ({ image_id, category_id, bbox: [0, 0, 1, 1], score: 0.5 });
    const { columns, unknownImages, unknownCategories } = await read(JSON.stringify([one(7, 3), one(8, 3), one(7, 4)]));
    expect([columns.count, unknownImages, unknownCategories]).toEqual([1, 1, 1]);
  });

  it.each([
    [
      '[{"image_id": 7, "category_id": 3, "bbox": [0, 0, 1, 1], "score": NaN}]',
      /result 0: score: expected a number, came NaN/,
    ],
    ['[{"image_id": 7, "category_id": 3, "bbox": [0, 0, 1], "score": 1}]', /result 0: bbox: expected four numbers/],
    ['[{"image_id": 7, "category_id": 3, "bbox": [0, 0, -1, 1], "score": 1}]', /at least 0, came 0,0,-1,1/],
    ['[{"question_id": 7, "label": "yes", "image": "a"}]', /this looks like a file of pope/],
    ['{"images": []}', /expected a list of detections/],
    ['[{"image_id": 7, "category_id": 3, "bbox": [0, 0, 1, 1], "score": 1}', /cut off/],
    ['[1]', /result 0: expected an object/],
  ])('are refused with the reason: %s', async (content, reason) => {
    await expect(read(content)).rejects.toThrow(reason);
  });
});

describe('proposals', () => {
  it('are scored for each kind, at a score and at all', () => {
    const truth: DetectionTruth = {
      path: 'x',
      images: [
        { id: 1, fileName: 'a.jpg' },
        { id: 2, fileName: 'b.jpg' },
      ],
      categories: [{ id: 1, name: 'cat' }],
      truths: [
        { imageId: 1, categoryId: 1, boxXywh: [0, 0, 10, 10] },
        { imageId: 2, categoryId: 1, boxXywh: [0, 0, 10, 10] },
      ],
    };
    const line = (image: string, granularity: string, score: number) => ({
      image,
      granularity,
      boxes: [[0, 0, 10, 10]],
      scores: [score],
    });
    const records = [
      line('x/a.jpg', 'fine', 0.2),
      line('x/b.jpg', 'fine', 0.4),
      line('a.jpg', 'coarse', 0.9),
      line('c.jpg', 'fine', 1),
    ];
    const { byKind, notes } = scoreProposals(truth, proposalLines({ path: 'p', records }, truth));
    expect(byKind.fine).toMatchObject({ AP: 1, recallAtIou50: 1, recallAtScore: 0.5 });
    expect(byKind.coarse).toMatchObject({ recallAtIou50: 0.5, recallAtScore: 0.5 });
    expect(notes).toEqual(['1 proposal of unknown images left out']);
  });
});
