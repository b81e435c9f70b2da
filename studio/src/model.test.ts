import { expect, test } from 'vitest';
import { type Box, hasFoundBoxesOnly, maxBoxes, renumber, visibleBoxes } from './model.ts';

const box = (id: string, score: number, source: Box['source'] = 'found'): Box => ({
  ...{ id, score, source },
  box: [0, 0, 10, 10],
});

test('the threshold hides what was found below it, never what was drawn', () => {
  const boxes = [box('a', 0.9), box('b', 0.4), box('mine', 1, 'drawn')];
  expect(visibleBoxes({ boxes, minScore: 0.5 }).map(({ id }) => id)).toEqual(['a', 'mine']);
});

test('drawn boxes find room among a hundred', () => {
  const boxes = [...Array.from({ length: 100 }, (_, i) => box(`${i}`, 1 - i / 200)), box('mine', 1, 'drawn')];
  const shown = visibleBoxes({ boxes, minScore: 0 });
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
  expect(hasFoundBoxesOnly({ past: [], minScore: 0.3 })).toBe(true);
  expect(hasFoundBoxesOnly({ past: [], minScore: 0.35 })).toBe(false);
  expect(hasFoundBoxesOnly({ past: [[]], minScore: 0.3 })).toBe(false);
});
