import { expect, test } from 'vitest';
import { mayBeOneThing } from './broader-noun.ts';

test.each([
  ['man', 'person', true],
  ['person', 'skateboarder', true],
  ['boy', 'child', true],
  ['sofa', 'couch', true],
  ['dog', 'dog', true],
  ['man', 'woman', false],
  ['dog', 'person', false],
  ['dog', 'cat', false],
  ['', 'person', false],
])('%s and %s: %s', (a, b, expected) => {
  expect(mayBeOneThing(a, b)).toBe(expected);
  expect(mayBeOneThing(b, a)).toBe(expected);
});
