import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../random.ts';
import { nms } from './nms.ts';
import { iou } from './overlap.ts';
import { orderByScore, topScores } from './scores.ts';
import { scoredBoxes } from './testing/arbitraries.ts';

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../fixtures/boxes/${name}`, import.meta.url), 'utf8'));

describe('nms equals torchvision', () => {
  const { nms: random } = read('torchvision.json');
  it.each(Object.keys(random.keepByThreshold))('60 random boxes at %s', (threshold) => {
    const keep = nms(new Float32Array(random.boxes), new Float32Array(random.scores), Number(threshold));
    expect([...keep]).toEqual(random.keepByThreshold[threshold]);
  });

  const delicate: { boxes: number[]; scores: number[]; iouThreshold: number; keep: number[] }[] =
    read('nms.json').cases;
  it.each(delicate.map((entry, index) => ({ ...entry, index })))(
    'IoUs on the threshold, ties, empty and reversed boxes: case $index at $iouThreshold',
    ({ boxes, scores, iouThreshold, keep }) => {
      expect([...nms(new Float32Array(boxes), new Float32Array(scores), iouThreshold)]).toEqual(keep);
      expect([...nms(new Float64Array(boxes), scores, iouThreshold)]).toEqual(keep);
    },
  );
});

describe('nms', () => {
  it('keeps nothing of nothing and one of one', () => {
    expect(nms(new Float32Array(0), [], 0.5)).toHaveLength(0);
    expect([...nms(new Float32Array([0, 0, 1, 1]), [0], 0.5)]).toEqual([0]);
  });

  it('survivors are in score order and overlap at most by the threshold; each dropped box has a better survivor', () => {
    fc.assert(
      fc.property(scoredBoxes(), fc.constantFrom(0, 0.3, 0.5, 0.8, 1), ({ boxes, scores }, threshold) => {
        const keep = nms(boxes, scores, threshold);
        const overlaps = iou(boxes, boxes);
        const overlap = (a: number, b: number) => overlaps[a * scores.length + b];
        const tolerance = 1e-6; // nms decides in float32, iou measures in float64
        keep.forEach((kept, rank) => {
          if (rank > 0) expect(scores[kept]).toBeLessThanOrEqual(scores[keep[rank - 1]]);
          for (const better of keep.subarray(0, rank))
            expect(overlap(kept, better)).toBeLessThanOrEqual(threshold + tolerance);
        });
        scores.forEach((score, dropped) => {
          if (keep.includes(dropped)) return;
          const reasons = keep.filter(
            (kept) => scores[kept] >= score && overlap(kept, dropped) > threshold - tolerance,
          );
          expect(reasons.length).toBeGreaterThan(0);
        });
      }),
    );
  });

  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(scoredBoxes(), ({ boxes, scores }) => {
        const keep = [...nms(boxes, scores, 0.5)];
        const keptBoxes = new Float32Array(keep.flatMap((index) => [...boxes.subarray(4 * index, 4 * index + 4)]));
        const again = nms(
          keptBoxes,
          keep.map((index) => scores[index]),
          0.5,
        );
        expect([...again]).toEqual(keep.map((_, index) => index));
      }),
    );
  });

  it('says what is wrong with bad input', () => {
    const boxes = new Float32Array([0, 0, 1, 1, 2, 2, 3, Number.NaN]);
    expect(() => nms(boxes, [0, 1], 0.5)).toThrow('got NaN in box 1');
    expect(() => nms(boxes.subarray(0, 4), [Number.NaN], 0.5)).toThrow('scores[0]');
    expect(() => nms(boxes.subarray(0, 4), [1, 2], 0.5)).toThrow('expected 1 scores');
    expect(() => nms(boxes.subarray(0, 3), [1], 0.5)).toThrow('4 numbers per box');
    expect(() => nms(boxes.subarray(0, 4), [1], Number.NaN)).toThrow('threshold');
  });

  it('takes less time than comparing all pairs does', () => {
    const count = 3000;
    const boxes = new Float32Array(4 * count);
    const scores = new Float32Array(count);
    for (let i = 0; i < count; i++) {
      scores[i] = ((i * 7919) % count) / count;
      const [x, y] = [(i * 31) % 1000, (i * 57) % 800];
      boxes.set([x, y, x + 20 + (i % 90), y + 20 + (i % 70)], 4 * i);
    }
    const secondsOf = (work: () => unknown) => {
      const start = performance.now();
      work();
      return performance.now() - start;
    };
    // In turns, and the best of each: both may be held up.
    const ratios = Array.from({ length: 5 }, () => [
      secondsOf(() => nms(boxes, scores, 0.8)),
      secondsOf(() => iou(boxes, boxes)),
    ]);
    const [ours, pairs] = [0, 1].map((at) => Math.min(...ratios.map((times) => times[at])));
    expect(ours).toBeLessThan(pairs / 2);
  });
});

describe('score order', () => {
  it('is descending, stable and total over infinities', () => {
    const scores = [0.5, -Infinity, 0.5, Infinity, 1, Infinity, -0, 0];
    expect([...orderByScore(scores)]).toEqual([3, 5, 4, 0, 2, 6, 7, 1]);
    expect([...topScores(scores, 3)]).toEqual([3, 5, 4]);
    expect(topScores([1, 2], 100)).toHaveLength(2);
    expect(topScores([], 5)).toHaveLength(0);
  });
});

it('boxes of very different sizes: the grid finds every better survivor that a double loop finds', () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = createRandom(`nms/${seed}`);
    const boxes = Float32Array.from(
      Array.from({ length: 200 }, () => {
        const [x, y, w, h] = [
          random.range(0, 100),
          random.range(0, 100),
          random.logRange(2, 60),
          random.logRange(2, 60),
        ];
        return [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
      }).flat(),
    );
    const scores = Float32Array.from({ length: 200 }, () => random.next());
    const overlaps = iou(boxes, boxes);
    for (const threshold of [0.1, 0.2, 0.3, 0.5]) {
      const kept: number[] = [];
      for (const one of orderByScore(scores)) {
        if (kept.every((better) => overlaps[one * 200 + better] <= threshold)) kept.push(one);
      }
      expect([...nms(boxes, scores, threshold)], `seed ${seed} at ${threshold}`).toEqual(kept);
    }
  }
});
