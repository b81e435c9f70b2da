import { expect, test } from 'vitest';
import { type Box, hasFoundBoxesOnly, maxBoxes, renumber, visibleBoxes } from './model.ts';

const box = (id: string, score: number, source: Box['source'] = 'found'): Box => ({
  ...{ id, score, source },
  box: [0, 0, 10, 10],
});

test('the threshold hides what was found below it, never what was drawn', () => {
  const boxes = [box('a', 0.9), box('b', 0.4), box('mine', 1, 'drawn')];
  expect(visibleBoxes({ boxes, minScore: 0.5, maxOverlap: 1 }).map(({ id }) => id)).toEqual(['a', 'mine']);
});

test('drawn boxes find room among a hundred', () => {
  const boxes = [...Array.from({ length: 100 }, (_, i) => box(`${i}`, 1 - i / 200)), box('mine', 1, 'drawn')];
  const shown = visibleBoxes({ boxes, minScore: 0, maxOverlap: 1 });
  expect(shown).toHaveLength(maxBoxes);
  expect(shown.at(-1)?.id).toBe('mine');
  expect(shown.at(-2)?.id).toBe('98');
});

test('names in a question follow their boxes, and go with them', () => {
  const [a, b, c] = [box('a', 1), box('b', 1), box('c', 1)];
  expect(renumber('<obj0> or <obj2>, <obj7>?', [a, b, c], [b, c])).toBe(' or <obj1>, <obj7>?');
  expect(renumber('<obj1>', [a, b, c], [c, b, a])).toBe('<obj1>');
});

test('boxes are the server’s own until the threshold or a box is changed', () => {
  const own = { past: [], minScore: 0.1, maxOverlap: 1, usualScore: 0.1 };
  expect(hasFoundBoxesOnly(own)).toBe(true);
  expect(hasFoundBoxesOnly({ ...own, minScore: 0.35 })).toBe(false);
  expect(hasFoundBoxesOnly({ ...own, maxOverlap: 0.9 })).toBe(false);
  expect(hasFoundBoxesOnly({ ...own, past: [[]] })).toBe(false);
  expect(hasFoundBoxesOnly({ ...own, usualScore: undefined })).toBe(false);
});

test('of found boxes that overlap too much the better one is shown; drawn ones neither hide nor are hidden', () => {
  const at = (id: string, score: number, x: number, source: Box['source'] = 'found'): Box => ({
    ...{ id, score, source },
    box: [x, 0, x + 10, 10],
  });
  // Their overlap is 8/12, 6/14 and so on: IoU .67 for neighbours two pixels apart, .43 for four.
  const boxes = [at('a', 0.9, 0), at('b', 0.8, 2), at('c', 0.7, 4), at('mine', 1, 2, 'drawn')];
  const shown = (maxOverlap: number) => visibleBoxes({ boxes, minScore: 0, maxOverlap }).map(({ id }) => id);
  expect(shown(1)).toEqual(['a', 'b', 'c', 'mine']);
  expect(shown(0.7)).toEqual(['a', 'b', 'c', 'mine']);
  expect(shown(0.5)).toEqual(['a', 'c', 'mine']);
  expect(shown(0.4)).toEqual(['a', 'mine']);
});
