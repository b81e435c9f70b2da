import { expect, test } from 'vitest';
import { captionWords, ciderScores } from './cider.ts';

const images = [
  {
    candidate: 'A small dog sits on the grass.',
    references: ['a brown dog sitting on green grass', 'A dog on grass in a park', 'the dog is on the grass'],
  },
  {
    candidate: 'a man rides a wave on a surfboard',
    references: ['a surfer riding a large wave', 'a man on a surfboard rides a wave', 'man surfing in the ocean'],
  },
  {
    candidate: 'a a a a table',
    references: ['two cups on a wooden table', 'a table with two cups of coffee'],
  },
  {
    candidate: 'kitchen',
    references: ['a kitchen with a stove and a refrigerator', 'a large kitchen with white cabinets'],
  },
];

test('the scores of pycocoevalcap 1.2 on the same words', () => {
  const expected = [1.8042343910016856, 2.0907433749491346, 1.2818047796181988, 0.7791603039935835];
  for (const [i, score] of ciderScores(images).entries()) expect(score).toBeCloseTo(expected[i], 12);
});

test('signs are no words; nothing said scores nothing', () => {
  expect(captionWords("A man's well-worn hat -- on a chair.")).toEqual([
    'a',
    'man',
    "'s",
    'well-worn',
    'hat',
    'on',
    'a',
    'chair',
  ]);
  expect(ciderScores([{ candidate: '', references: ['a dog'] }, ...images])[0]).toBe(0);
});
