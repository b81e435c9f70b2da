import { expect, it } from 'vitest';
import { statedNumber } from './stated-number.ts';

it.each([
  ['There are 12 dogs.', 12],
  ['There are twenty-three dogs.', 23],
  ['There is One dog.', 1],
  ['There are no dogs.', 0],
  ['ninety nine', 99],
  ['thirty dogs', 30],
  ['Some dogs; none is 5.', 0],
  ['Dogs.', undefined],
  ['', undefined],
])('%s', (text, value) => {
  expect(statedNumber(text)).toBe(value);
});
