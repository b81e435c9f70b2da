import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SentenceEncoder } from '../../language/sentence-encoder.ts';
import { cleanPrediction, regionNames, regionTexts, scoreRegions, wordIou } from './regions.ts';

const fixture = fileURLToPath(new URL('../../../fixtures/language/sentence-encoder', import.meta.url));

const truth = regionNames({
  path: 'lvis.json',
  records: [
    { id: 7, file_name: 'a.jpg', categories: ['traffic_light', 'bowl_(soup)'], annotations: [] },
    { id: 8, file_name: 'b.jpg', categories: ['dog:ear'], annotations: [] },
  ],
});

describe('names of regions', () => {
  it('are cleaned as Osprey does', () => {
    expect(truth.map(({ category }) => category)).toEqual(['traffic light', 'bowl (soup)', 'dog ear']);
    expect(cleanPrediction(' It is: a dog, big. ')).toBe(' a dog  big ');
    expect(wordIou('the Traffic light', 'traffic light')).toBeCloseTo(2 / 3, 12);
    expect(wordIou('', '')).toBe(0);
  });

  it('are scored with and without an encoder; a missing answer is 0', async () => {
    const texts = regionTexts({
      path: 'answers.jsonl',
      records: [{ id: 7, predictions: ['Traffic light.', 'soup'] }],
    });
    const without = await scoreRegions(truth, texts);
    expect(without.figures).toEqual({ semanticSimilarity: null, semanticIou: 1 / 3, exact: 1 / 3 });
    expect(without.variant.semanticSimilarity).toMatch(/needs --encoder/);
    const encoder = await SentenceEncoder.load(fixture, { threads: 1 });
    const [soup, bowl] = await encoder.encode(['soup', 'bowl (soup)']);
    const cosine = soup.reduce((sum, value, i) => sum + value * bowl[i], 0);
    const { figures, counts } = await scoreRegions(truth, texts, (all) => encoder.encode(all));
    expect(figures.semanticSimilarity).toBeCloseTo((1 + cosine + 0) / 3, 5);
    expect(counts.missing).toBe(1);
    await encoder.dispose();
  });

  it('are answered one by one too', async () => {
    const records = [
      { id: 7, index: 1, prediction: 'bowl (soup)' },
      { id: 9, index: 0, prediction: 'cat' },
    ];
    const { figures, counts } = await scoreRegions(truth, regionTexts({ path: 'a', records }));
    expect(figures.exact).toBeCloseTo(1 / 3, 12);
    expect(counts).toMatchObject({ missing: 2, unknown: 1 });
    expect(() => regionTexts({ path: 'a', records: [{ id: 7, prediction: 'x' }] })).toThrow(/predictions/);
  });
});
