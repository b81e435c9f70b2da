import { expect, test } from 'vitest';
import type { AnnotatedPhrase, Annotation } from '../annotation.ts';
import type { PhotoTruth } from './photo-truth.ts';
import { addPhoto, emptyPhotoScore } from './score-photos.ts';

const categories = ['person', 'dog', 'cat'];
const truth: PhotoTruth = {
  file: 'images/a.jpg',
  captions: [],
  boxes: [
    { category: 'person', boxXyxy: [0, 0, 10, 20], isCrowd: false },
    { category: 'person', boxXyxy: [20, 0, 30, 20], isCrowd: false },
    { category: 'person', boxXyxy: [50, 0, 100, 50], isCrowd: true },
    { category: 'dog', boxXyxy: [40, 40, 60, 60], isCrowd: false },
  ],
};

const phrase = (query: string, count: AnnotatedPhrase['count'], regions: number[]): AnnotatedPhrase => ({
  ...{ start: 0, end: 1, kind: 'category', query, count, regions },
});

const annotation = (phrases: AnnotatedPhrase[], boxes: [number, number, number, number][]): Annotation => ({
  texts: [{ text: '', phrases }],
  regions: boxes.map((boxXyxy) => ({ boxXyxy, score: 1, phrase: '', category: '' })),
  dropped: [],
});

test('boxes are right by name and overlap, each true box once; what a phrase does not count is not missed', () => {
  const score = emptyPhotoScore();
  const phrases = [phrase('man', 1, [0, 1]), phrase('dog', 'several', []), phrase('blue sky', 1, [])];
  addPhoto(
    score,
    truth,
    annotation(phrases, [
      [0, 0, 10, 19],
      [1, 0, 10, 20],
    ]),
    categories,
  );
  expect(score).toEqual({
    'phrases that name a category': { right: 2, all: 3 },
    'box precision': { right: 1, all: 2 },
    'box recall': { right: 1, all: 2 },
    'phrases with a right box': { right: 1, all: 2 },
    'absent things left without a box': { right: 0, all: 0 },
  });
});

test('boxes in a crowd count neither way; a thing that is not there is right without a box', () => {
  const score = emptyPhotoScore();
  const phrases = [phrase('person', 'several', [0, 1]), phrase('cat', 1, []), phrase('kitten', 1, [0])];
  addPhoto(
    score,
    truth,
    annotation(phrases, [
      [20, 0, 30, 20],
      [60, 10, 70, 30],
    ]),
    categories,
  );
  expect(score['box precision']).toEqual({ right: 1, all: 2 });
  expect(score['box recall']).toEqual({ right: 1, all: 2 });
  expect(score['absent things left without a box']).toEqual({ right: 1, all: 2 });
});
