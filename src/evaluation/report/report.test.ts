import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { comparePair, compareRuns } from '../compare.ts';
import { cocoSuite, type DetectionRow } from '../data-suites/coco.ts';
import { evaluate } from '../evaluate.ts';
import { readRunPair } from '../run-pair.ts';
import { type Scorer, scorers } from '../scorers.ts';
import type { Detects, FoundBox } from '../subject.ts';
import { memoryDataset, regionOf, sampleOf } from '../testing/memory-dataset.ts';
import { comparisonHtml } from './comparison-html.ts';
import { precisionRecallCurves } from './precision-recall-curves.ts';
import { publishedRows } from './published.ts';
import { reportHtml } from './report-html.ts';
import { reviewSample } from './sample-review.ts';

const data = memoryDataset(
  Array.from({ length: 40 }, (_, i) => sampleOf(`image ${i} <b>`, [regionOf('dog', 0), regionOf('cat', 40)])),
);

/** Finds cats, and dogs where `knowsDogs` says so. */
const finder = (knowsDogs: (index: number) => boolean): Detects => ({
  detect: async ({ index }) => {
    const box = (label: string, left: number): FoundBox => ({ label, boxXyxy: [left, 0, left + 20, 20], score: 0.5 });
    return { text: '', boxes: [box('cat', 40), ...(knowsDogs(index) ? [box('dog', 0)] : [])] };
  },
});

const runOf = (subject: Detects, folder?: string) =>
  evaluate({ suite: cocoSuite(), data, open: async () => subject, model: {}, folder });

describe('a report', () => {
  it('has the figures beside the paper’s, curves, and the worst images first', async () => {
    const { evaluation, run } = await runOf(finder((index) => index !== 7 && index !== 3));
    const html = await reportHtml(evaluation, run.rows, { data, worst: 2 });
    expect(html).toContain('ChatRex-7B');
    expect(html).toMatch(/<td>this run<\/td>/);
    expect(html).toContain('>48.5<');
    expect(html).toContain('<svg');
    expect(html).toContain('1 of 2 objects found, 0 boxes beside them');
    expect([...html.matchAll(/<figcaption><b>([^/]*)<\/b>/g)].map(([, sample]) => sample)).toEqual([
      'image 3 &lt;b&gt;',
      'image 7 &lt;b&gt;',
    ]);
    expect(html.match(/data:image\/webp;base64/g)).toHaveLength(4);
    expect(html).not.toMatch(/<b>image 3 <b>/);
  });

  it('of a suite that nobody printed figures of has none beside', () => {
    expect(publishedRows('toString')).toEqual([]);
    expect(publishedRows('pope')[0].figures).toEqual({ f1: 0.873 });
    expect(publishedRows('mm-vet')[0].figures).toEqual({ score: 36.4 });
    expect(publishedRows('refcoco')).toHaveLength(24);
    expect(reviewSample('toString', [])).toBeUndefined();
  });

  it('draws what was counted beside what the answer shows, under one name', () => {
    const shared = { sample: 'a', index: 0, question: 'person', place: 0, seconds: 0 };
    const truth = { name: 'person', count: 1, boxesXyxy: [[0, 0, 9, 9]] };
    const answer = { text: '2', boxes: [{ label: 'people', boxXyxy: [1, 1, 8, 8], score: 1 }] };
    expect(reviewSample('counting', [{ ...shared, truth, answer }])).toEqual({
      quality: 0,
      text: 'person: 1, answered 2',
      truth: [{ label: 'person', boxXyxy: [0, 0, 9, 9] }],
      answer: [{ label: 'person', boxXyxy: [1, 1, 8, 8] }],
    });
    expect(reviewSample('counting', [{ ...shared, truth: { name: 'person', count: 1 }, answer }])?.truth).toEqual([]);
  });

  it('draws the curve whose area is AP', async () => {
    const { evaluation, run } = await runOf(finder((index) => index % 2 === 0));
    const [at50] = precisionRecallCurves(run.rows);
    const area = at50.points.reduce((sum, [, precision]) => sum + precision, 0) / at50.points.length;
    expect(area).toBeCloseTo(evaluation.figures.AP50!, 9);
    expect(precisionRecallCurves([])).toEqual([]);
  });
});

/** The share of objects found, where every box is right: quicker than COCO's figures. */
const recallOf: Scorer = (rows) => {
  const found = (rows as readonly DetectionRow[]).flatMap((row) => ('answer' in row ? row.answer.boxes : []));
  return { figures: { recall: found.length / (2 * rows.length) }, byKind: {}, variant: {}, notes: [] };
};

describe('two runs', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chatrex-compare-'));
    await runOf(
      finder((index) => index < 20),
      join(folder, 'half'),
    );
    await runOf(
      finder((index) => index < 21),
      join(folder, 'half and one'),
    );
    await runOf(
      finder(() => true),
      join(folder, 'all'),
    );
  });
  afterAll(() => rm(folder, { recursive: true }));

  const compare = async (first: string, second: string) => {
    const options = { resamples: 200, seed: 3 };
    const result = await compareRuns(join(folder, first), join(folder, second), () => recallOf, options);
    return { ...result, recall: result.figures[0] };
  };

  it('that differ in half of the images differ; in one image they do not', async () => {
    const { recall, samples, leftOut } = await compare('half', 'all');
    expect({ samples, leftOut }).toEqual({ samples: 40, leftOut: 0 });
    expect(recall).toMatchObject({ first: 0.75, second: 1, difference: 0.25, isMeaningful: true });
    expect(recall.interval[0]).toBeGreaterThan(0.1);
    expect(recall.interval[1]).toBeLessThan(0.4);
    const { recall: close } = await compare('half', 'half and one');
    expect(close.difference).toBeCloseTo(0.0125, 9);
    expect(close.isMeaningful).toBe(false);
    expect(close.interval[0]).toBe(0);
  });

  it('are a page with figures, categories, and the images of which one run found more', async () => {
    const folders = [join(folder, 'half'), join(folder, 'half and one')] as const;
    const pair = await readRunPair(...folders);
    const scorer = { score: scorers.coco };
    const comparison = await comparePair(pair, [scorer, scorer], { resamples: 2 });
    const { first, second, difference } = comparison.byCategory.dog.recall50;
    expect([first, second]).toEqual([20 / 40, 21 / 40]);
    expect(difference).toBeCloseTo(1 / 40, 12);
    const html = await comparisonHtml(comparison, pair, { data, names: ['a <b>', 'c'] });
    expect(html).toContain('first: a &lt;b&gt;');
    // Cats are found by both; dogs changed by one of forty.
    expect(html).toMatch(/<td>dog<\/td>.*<td>50\.0<\/td><td>52\.5<\/td><td class="better">\+2\.5<\/td>/);
    expect(html).not.toContain('<td>cat</td>');
    expect(html).toContain('Not shown: 1 as before.');
    expect(html).toContain('1 better in the second run, 0 worse, 39 as good in both');
    expect([...html.matchAll(/<figcaption><b>(.*?)<\/b>/g)].map(([, sample]) => sample)).toEqual([
      'image 20 &lt;b&gt;',
    ]);
    expect(html).toContain('first: 1 of 2 objects found, 0 boxes beside them<br>second: 2 of 2 objects found');
    // Truth, first, second.
    expect(html.match(/data:image\/webp;base64/g)).toHaveLength(3);
    const same = await readRunPair(folders[0], folders[0]);
    const equal = await comparisonHtml(await comparePair(same, [scorer, scorer], { resamples: 2 }), same, { data });
    expect(equal).toContain('0 better in the second run, 0 worse, 40 as good in both');
    expect(equal).not.toContain('<img');
  });

  it('give the same intervals again', async () => {
    expect((await compare('half', 'all')).recall).toEqual((await compare('half', 'all')).recall);
  });

  it('of other data are not compared', async () => {
    const other = { ...data, fingerprint: 'other' };
    const subject = finder(() => true);
    await evaluate({
      suite: cocoSuite(),
      data: other,
      open: async () => subject,
      model: {},
      folder: join(folder, 'other'),
    });
    await expect(compare('all', 'other')).rejects.toThrow(/not of the same suite and data/);
    await expect(compare('all', 'missing')).rejects.toThrow(/run\.json is missing/);
  });
});
