import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { askedPhrases, matchPhrases } from './asked-phrases.ts';

describe('what is asked for', () => {
  it.each<[string[], string[]]>([
    [
      ['cat', 'red car'],
      ['cat', 'red car'],
    ],
    [['cat. butterfly'], ['cat', 'butterfly']],
    [['cat . butterfly .'], ['cat', 'butterfly']],
    [['cat,butterfly'], ['cat', 'butterfly']],
    [['red cat, butterfly'], ['red cat', 'butterfly']],
    [['cat; butterfly'], ['cat', 'butterfly']],
    [['the man who sits, left of the dog'], ['the man who sits, left of the dog']],
    [
      ['cart', 'cart', ' Cart', 'skewer'],
      ['cart', 'skewer'],
    ],
  ])('%j is %j', (phrases, expected) => {
    expect(askedPhrases(phrases)).toEqual(expected);
  });

  it.each([['cat'], [[1]], [[]], [['']], [['cat', ' ; . ']], [undefined], [null], [{}]])('%j is refused', (phrases) => {
    expect(() => askedPhrases(phrases as string[])).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
  });
});

describe('answered phrases', () => {
  it.each<[string[], string[], number[]]>([
    [
      ['the red kite', 'Cat', 'kites'],
      ['red kite', 'cat', 'kite'],
      [0, 1, 2],
    ],
    [
      ['the red kite', 'Cat', 'kites'],
      ['kite', 'cat', 'kite'],
      [0, 1, 2],
    ],
    [
      ['the red kite', 'Cat', 'kites'],
      ['red kite', 'roller skate', 'kite'],
      [0, 1, 2],
    ],
    [
      ['bike', 'car', 'kite'],
      ['skewer', 'car', 'kite'],
      [0, 1, 2],
    ],
    [
      ['cat', 'dog'],
      ['dog', 'cat'],
      [1, 0],
    ],
    [['cat', 'dog'], ['dog'], [1]],
    [['cat', 'dog', 'fox'], ['wolf'], [-1]],
    [
      ['cat', 'dog'],
      ['cats', 'cat', 'dogs'],
      [0, 0, 1],
    ],
    [
      ['butterflies', 'the boxes'],
      ['butterfly', 'box'],
      [0, 1],
    ],
    [['the largest cup'], ['mug', 'cup'], [0, 0]],
    [
      ['the cat', 'the dog'],
      ['the fox', 'the cow'],
      [0, 1],
    ],
  ])('%j: %j means %j', (asked, answered, expected) => {
    expect(matchPhrases(asked, answered)).toEqual(expected);
  });

  it('are their own words where those were asked for, in any order', () => {
    const names = ['cat', 'red kite', 'roller skate', 'bench', 'tall tree'];
    fc.assert(
      fc.property(fc.shuffledSubarray(names), (answered) => {
        expect(matchPhrases(names, answered).map((index) => names[index])).toEqual(answered);
      }),
    );
  });
});
