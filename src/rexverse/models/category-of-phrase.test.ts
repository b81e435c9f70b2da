import { expect, test } from 'vitest';
import { categoryOfPhrase } from './category-of-phrase.ts';

const categories = ['person', 'bear', 'teddy bear', 'dog', 'hot dog', 'dining table', 'bicycle'];

test.each([
  ['young man', 'person'],
  ['brown teddy bear', 'teddy bear'],
  ['polar bear', 'bear'],
  ['hot dog', 'hot dog'],
  ['Puppy', 'dog'],
  ['wooden table', 'dining table'],
  ['old bike', 'bicycle'],
])('%s is a %s', (phrase, category) => {
  expect(categoryOfPhrase(phrase, categories)).toBe(category);
});

test('what is not among the categories names none, also by another word', () => {
  expect(categoryOfPhrase('bus stop', categories)).toBeUndefined();
  expect(categoryOfPhrase('kitten', categories)).toBeUndefined();
  expect(categoryOfPhrase('', categories)).toBeUndefined();
});
