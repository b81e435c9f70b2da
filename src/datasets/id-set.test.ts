import { expect, it } from 'vitest';
import { IdSet } from './id-set.ts';

it('tells new texts from known ones, however many', () => {
  const set = new IdSet();
  const names = Array.from({ length: 50_000 }, (_, at) => `${at % 2 ? 'train' : 'é'}/${at * 7919}`);
  expect(names.every((name) => set.add(name))).toBe(true);
  expect(names.some((name) => set.add(name))).toBe(false);
  expect([set.add(''), set.add(''), set.add('x')]).toEqual([true, false, true]);
});
