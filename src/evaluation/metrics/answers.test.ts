import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BoxXywh, BoxXyxy } from '../../boxes/box.ts';
import { iou } from '../../boxes/overlap.ts';
import { evaluateCounting } from './counting.ts';
import { evaluateGroundedCaptions } from './grounded-caption.ts';
import { flatten, matchBoxes } from './match-boxes.ts';
import { normalizePhrase } from './normalize-phrase.ts';
import { evaluateDetection } from './precision-recall.ts';
import { evaluateReferring } from './referring.ts';

const square = (left: number, top = 0): BoxXyxy => [left, top, left + 10, top + 10];

describe('matchBoxes', () => {
  it('settles the best pair first, and includes the threshold', () => {
    expect(matchBoxes([square(2), square(0)], [square(0)])).toEqual([{ predicted: 1, truth: 0 }]);
    expect(matchBoxes([[0, 0, 10, 5]], [square(0)])).toEqual([{ predicted: 0, truth: 0 }]);
    expect(matchBoxes([[0, 0, 10, 4.9]], [square(0)])).toEqual([]);
    expect(matchBoxes([], [square(0)])).toEqual([]);
    expect(matchBoxes([square(0)], [])).toEqual([]);
  });

  const boxes = fc.array(
    fc.tuple(fc.double({ min: 0, max: 30, noNaN: true }), fc.nat(30)).map(([left, top]) => square(left, top)),
    { maxLength: 12 },
  );

  it('is one-to-one', () => {
    fc.assert(
      fc.property(boxes, boxes, (predicted, truths) => {
        const pairs = matchBoxes(predicted, truths, 0.3);
        expect(new Set(pairs.map((pair) => pair.predicted)).size).toBe(pairs.length);
        expect(new Set(pairs.map((pair) => pair.truth)).size).toBe(pairs.length);
      }),
    );
  });

  it('does not depend on the order of the answer, unless overlaps tie', () => {
    fc.assert(
      fc.property(boxes, boxes, (predicted, truths) => {
        const overlaps = [...iou(flatten(predicted), flatten(truths))].filter((overlap) => overlap >= 0.3);
        fc.pre(new Set(overlaps).size === overlaps.length);
        const forwards = matchBoxes(predicted, truths, 0.3);
        const backwards = matchBoxes(predicted.toReversed(), truths, 0.3);
        expect(backwards.map((pair) => ({ ...pair, predicted: predicted.length - 1 - pair.predicted }))).toEqual(
          forwards,
        );
      }),
    );
  });
});

describe('evaluateDetection', () => {
  const box = (imageId: number, categoryId: number, left: number) => ({
    imageId,
    categoryId,
    boxXywh: [left, 0, 10, 10] as BoxXywh,
  });

  it('averages over categories, not over boxes', () => {
    const truths = [box(1, 1, 0), box(1, 1, 20), box(2, 1, 0), box(2, 1, 20), box(1, 2, 0)];
    const predictions = [box(1, 1, 0), box(1, 1, 1), box(2, 1, 20), box(2, 1, 300), box(2, 3, 0)];
    const score = evaluateDetection(truths, predictions);
    expect(score.byCategory).toEqual(
      new Map([
        [1, { precision: 0.5, recall: 0.5 }],
        [2, { precision: 0, recall: 0 }],
      ]),
    );
    expect(score).toMatchObject({ precision: 0.25, recall: 0.25 });
  });

  it('does not count what lies in a crowd', () => {
    const crowd = { ...box(1, 1, 100), isCrowd: true };
    const score = evaluateDetection([box(1, 1, 0), crowd], [box(1, 1, 0), box(1, 1, 102), box(1, 1, 50)]);
    expect(score).toMatchObject({ precision: 0.5, recall: 1 });
    expect(evaluateDetection([crowd], [])).toMatchObject({ precision: -1, recall: -1, AP: -1 });
  });

  it('gives average precision too, with and without scores', () => {
    const truths = [box(1, 1, 0), box(2, 1, 0)];
    expect(evaluateDetection(truths, truths)).toMatchObject({ precision: 1, recall: 1 });
    expect(evaluateDetection(truths, truths).AP50).toBeCloseTo(1, 12);
    const wrong = { ...box(1, 1, 50), score: 0.9 };
    const right = truths.map((truth) => ({ ...truth, score: 0.5 }));
    expect(evaluateDetection(truths, [wrong, ...right]).AP50).toBeCloseTo(2 / 3, 12);
    expect(evaluateDetection(truths, [wrong, ...right], { imageIds: [2] })).toMatchObject({ precision: 1, recall: 1 });
  });
});

describe('evaluateReferring', () => {
  it('scores the first box, the whole answer, and refusals', () => {
    const score = evaluateReferring([
      { truthsXyxy: [square(0)], predictedXyxy: [square(1), square(50)] },
      { truthsXyxy: [square(0), square(20)], predictedXyxy: [square(20)] },
      { truthsXyxy: [square(0)], predictedXyxy: [square(50), square(0)] },
      { truthsXyxy: [square(0)], predictedXyxy: [] },
      { truthsXyxy: [], predictedXyxy: [] },
      { truthsXyxy: [], predictedXyxy: [square(0)] },
    ]);
    expect(score).toEqual({
      accuracy: 2 / 4,
      precision: (1 / 2 + 1 + 1 / 2 + 0) / 4,
      recall: (1 + 1 / 2 + 1 + 0) / 4,
      rejection: 1 / 2,
    });
    expect(evaluateReferring([])).toEqual({ accuracy: -1, precision: -1, recall: -1, rejection: -1 });
  });
});

describe('evaluateCounting', () => {
  it('knows exact, one off, more, and no number', () => {
    const pairs: [number, number | undefined][] = [
      [3, 3],
      [3, 4],
      [3, 2],
      [3, 5],
      [0, undefined],
    ];
    expect(evaluateCounting(pairs.map(([truth, predicted]) => ({ truth, predicted })))).toEqual({
      exact: 1 / 5,
      offByOne: 3 / 5,
    });
    expect(evaluateCounting([])).toEqual({ exact: -1, offByOne: -1 });
  });
});

describe('evaluateGroundedCaptions', () => {
  it('counts links between phrase and box, whatever the spelling', () => {
    const score = evaluateGroundedCaptions([
      {
        truth: [
          { phrase: 'a brown dog', boxesXyxy: [square(0)] },
          { phrase: 'two cats', boxesXyxy: [square(20), square(40)] },
        ],
        predicted: [
          { phrase: 'The brown dog,', boxesXyxy: [square(1)] },
          { phrase: 'two cats', boxesXyxy: [square(20)] },
          { phrase: 'two cats', boxesXyxy: [square(20)] },
          { phrase: 'bird', boxesXyxy: [square(40)] },
          { phrase: 'sky', boxesXyxy: [] },
        ],
      },
      { truth: [{ phrase: 'dog', boxesXyxy: [square(0)] }], predicted: [] },
    ]);
    expect(score).toEqual({ precision: 2 / 4, recall: 2 / 4 });
    expect(evaluateGroundedCaptions([])).toEqual({ precision: -1, recall: -1 });
  });
});

describe('normalizePhrase', () => {
  it.each([
    ['The  Red-Apple!', 'red apple'],
    ['an hour', 'hour'],
    ['Anna the cat', 'anna cat'],
    ['  ', ''],
    ['ＣＡＦÉ', 'café'],
    ['vitamin a pill', 'vitamin pill'],
    ['éa the', 'éa'],
  ])('%j -> %j', (phrase, expected) => expect(normalizePhrase(phrase)).toBe(expected));

  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(normalizePhrase(normalizePhrase(text))).toBe(normalizePhrase(text));
      }),
    );
  });
});

describe('crowds', () => {
  const at = (x: number, y: number, side: number) => ({
    imageId: 1,
    categoryId: 1,
    boxXywh: [x, y, side, side] as const,
  });
  const crowd = { ...at(100, 0, 100), isCrowd: true };
  const truth = at(0, 0, 10);

  it('a prediction of which half lies in a crowd does not count, however little of the crowd it covers', () => {
    expect(evaluateDetection([truth, crowd], [truth, at(95, 0, 10)]).precision).toBe(1);
  });

  it('with less than half of it inside, it counts', () => {
    expect(evaluateDetection([truth, crowd], [truth, at(94, 0, 10)]).precision).toBe(0.5);
  });
});
