import { describe, expect, it } from 'vitest';
import type { BoxXyxy } from '../../boxes/box.ts';
import { captions } from './captions.ts';
import { countIn, counting } from './counting.ts';
import { detection } from './detection.ts';
import { scoreChosenBoxes, scoreProposals } from './proposals.ts';
import { questionAnswering } from './question-answering.ts';
import { referring } from './referring.ts';
import { regionCategory } from './region-category.ts';

const square = (left: number): BoxXyxy => [left, 0, left + 10, 10];
const record = (imageId: number, categoryId: number, left: number) => ({
  imageId,
  categoryId,
  boxXywh: [left, 0, 10, 10] as const,
});

describe('proposals', () => {
  const rows = [
    { truthsXyxy: [square(0), square(50)], proposalsXyxy: [square(1), square(80)], scores: [0.9, 0.2] },
    { truthsXyxy: [], proposalsXyxy: [], scores: [] },
  ];

  it('are scored without categories, scene by scene', () => {
    const { AP50, 'AR@100 at IoU .5': recall } = scoreProposals(rows);
    expect(recall).toBe(0.5);
    expect(AP50).toBeCloseTo(51 / 101, 6);
    expect(scoreChosenBoxes(rows)).toEqual({ 'recall at IoU .5': 0.5, 'boxes per scene': 1 });
  });

  it('of nothing are no figure', () => {
    expect(Object.values(scoreProposals([rows[1]]))).toEqual([null, null, null, null]);
    expect(scoreChosenBoxes([])).toEqual({ 'recall at IoU .5': null, 'boxes per scene': null });
  });
});

describe('detection', () => {
  it('averages over the categories that are there; names of absent ones cost precision where the category is', () => {
    const rows = [
      { truths: [record(0, 1, 0)], predictions: [{ ...record(0, 1, 1), score: 0.9 }] },
      { truths: [record(1, 2, 0), record(1, 2, 50)], predictions: [{ ...record(1, 1, 0), score: 0.5 }] },
    ];
    expect(detection.score(rows)).toMatchObject({ 'P@0.5': 0.25, 'R@0.5': 0.5 });
    expect(detection.score(rows).mAP50).toBeCloseTo(0.5, 6);
  });

  it('without a question is no figure', () => {
    expect(detection.score([])).toEqual({ 'P@0.5': null, 'R@0.5': null, mAP: null, mAP50: null });
  });
});

describe('answers', () => {
  it('referring asks for the first box', () => {
    const rows = [
      { truthsXyxy: [square(0)], predictedXyxy: [square(1), square(50)] },
      { truthsXyxy: [square(0)], predictedXyxy: [square(50), square(0)] },
    ];
    expect(referring.score(rows)).toEqual({ accuracy: 0.5 });
  });

  it('region categories are compared as phrases', () => {
    const rows = [
      { truth: 'cherry blossom', predicted: 'Cherry blossom.' },
      { truth: 'dog', predicted: 'cherry blossom' },
    ];
    expect(regionCategory.score(rows)).toEqual({ accuracy: 0.5 });
  });

  it('counts come from the number, or else from the boxes; nothing said is no zero', () => {
    expect(countIn({ text: 'There are three dogs.', objects: [1] })).toBe(3);
    expect(countIn({ text: 'dogs', objects: [1, 1, 2] })).toBe(2);
    expect(countIn({ text: 'There are no dogs.', objects: [] })).toBe(0);
    expect(countIn({ text: 'dogs', objects: [] })).toBeUndefined();
    const rows = [
      { truth: 3, predicted: 3 },
      { truth: 3, predicted: 4 },
      { truth: 3, predicted: undefined },
      { truth: 3, predicted: 9 },
    ];
    expect(counting.score(rows)).toEqual({ exact: 0.25, 'off by one': 0.5 });
  });

  it('captions are links between phrases and boxes', () => {
    const rows = [
      {
        truth: [{ phrase: 'two dogs', boxesXyxy: [square(0), square(50)] }],
        predicted: [
          { phrase: 'Two dogs', boxesXyxy: [square(0)] },
          { phrase: 'cat', boxesXyxy: [square(50)] },
        ],
      },
    ];
    expect(captions('brief-caption').score(rows)).toEqual({ 'phrase precision': 0.5, 'phrase recall': 0.5 });
  });

  it('facts count altogether and by the kind of question', () => {
    const rows = [
      { expected: 'yes', answer: 'No.', kind: 'isA' },
      { expected: 'red', answer: 'The car is red.', kind: 'colour' },
      { expected: 'red', answer: 'The car is red.' },
    ];
    expect(questionAnswering('region-qa').score(rows)).toEqual({ accuracy: 2 / 3, colour: 1, isA: 0 });
    expect(questionAnswering('region-qa').score([])).toEqual({ accuracy: null });
  });
});
