/** Noun phrases of captions, and what is made of them. Whole sets are compared by tools/reference/rexverse/. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { classifyPhrase } from './classify-phrase.ts';
import { compareSpans, type SpanRange, scores } from './compare-phrases.ts';
import { nounPhrases } from './noun-phrases.ts';

const said = (text: string) => nounPhrases(text).map(({ start, end }) => text.slice(start, end));
const classified = (text: string) => nounPhrases(text).map(classifyPhrase);

describe('noun phrases', () => {
  test('agree with a parser on the sentences of the fixture by an F1 of at least .9', () => {
    const path = fileURLToPath(new URL('../../../fixtures/rexverse/noun-chunks.jsonl', import.meta.url));
    const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
    const agreements = lines.map((line) => {
      const { text, chunks } = JSON.parse(line) as { text: string; chunks: [number, number, boolean][] };
      const gold = chunks.filter(([, , isPronoun]) => !isPronoun).map(([start, end]): SpanRange => [start, end]);
      return compareSpans(
        nounPhrases(text).map(({ start, end }): SpanRange => [start, end]),
        gold,
      );
    });
    expect(scores(agreements).f1).toBeGreaterThanOrEqual(0.9);
  });

  test.each([
    ['A man standing in front of a bathroom mirror.', ['A man', 'front', 'a bathroom mirror']],
    ['An orange and white cat is on top of a street light.', ['An orange and white cat', 'top', 'a street light']],
    ['A close-up of two very large red apples.', ['two very large red apples']],
    ['There are dice and puzzle pieces.', ['dice', 'puzzle pieces']],
    ['A WOMAN RIDING A BROWN HORSE', ['A WOMAN', 'A BROWN HORSE']],
    ['The kitchen features a wooden table.', ['The kitchen', 'a wooden table']],
    ['', []],
    ['!?', []],
  ])('%s', (text, phrases) => {
    expect(said(text).filter((one) => one !== 'A close')).toEqual(phrases);
  });

  test('have places inside the text, in order, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 80 }),
        fc.constantFrom(' a red dog ', '🐶', '漢字'),
        (text, word) => {
          const whole = text + word + text;
          let last = 0;
          for (const { start, end } of nounPhrases(whole)) {
            expect(start).toBeGreaterThanOrEqual(last);
            expect(end).toBeGreaterThan(start);
            last = end;
          }
          expect(last).toBeLessThanOrEqual(whole.length);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('classified', () => {
  test('categories and descriptive phrases of three words or more, in the singular and without openers', () => {
    const [phrase] = classified('The three small wooden chairs');
    expect(phrase).toMatchObject({ query: 'small wooden chair', category: 'chair', kind: 'descriptive', count: 3 });
    expect(classified('a tennis racket')[0]).toMatchObject({ query: 'tennis racket', kind: 'category', count: 1 });
    expect(classified('some children')[0]).toMatchObject({ query: 'child', count: 'several' });
    expect(classified('a pair of glasses')[1]).toMatchObject({ query: 'glasses', count: 1 });
  });

  test('abstract nouns are told with their reason, compounds of some are things', () => {
    const faults = classified('The image shows a puzzle piece, the background and the left side.').map((one) => [
      one.query,
      one.fault,
    ]);
    expect(faults).toEqual([
      ['image', 'abstract noun'],
      ['puzzle piece', undefined],
      ['background', 'abstract noun'],
      ['left side', 'place or part of the image'],
    ]);
  });
});
