import { expect, test } from 'vitest';
import type { Region } from '../../datasets/sample.ts';
import { createTokenizer } from '../../prompt/tokenizer/tokenizer.ts';
import { trainTokenizer } from '../../prompt/tokenizer/train-tokenizer.ts';
import { createNameToken, objectNamingFeeds } from '../mllm/object-naming.ts';
import { type NamedRegion, namingFeeds } from './naming.ts';

const names = { categories: ['cup', 'dog', 'cat'], attributes: { color: ['red', 'blue'] } };
const region = (category?: string, color?: string): NamedRegion => ({
  boxXyxy: [0, 0, 16, 16],
  category,
  ...(color && { attributes: { color } }),
});

test('every region has its label, and what is not known has none', () => {
  const images = [[region('dog', 'blue'), region('cup'), region('emu', 'pink')], [region(undefined, 'red')]];
  const feeds = namingFeeds(images, 4, 64, names);
  expect([...feeds.categories.data].map(Number)).toEqual([1, 0, -100, -100, -100, -100, -100, -100]);
  expect([...feeds['attribute color'].data].map(Number)).toEqual([1, -100, -100, -100, 0, -100, -100, -100]);
  expect(feeds.rows.shape).toEqual([2, 4, 16]);
});

test('object tokens say the name of their own region', () => {
  const tokenizer = createTokenizer(
    trainTokenizer([' cup', ' dog', ' cat'], { vocabSize: 300, specialTokens: ['<end>'] }),
  );
  const tokenOf = createNameToken(tokenizer);
  const regions: Region[] = ['dog', 'cup', undefined].map((category) => ({
    boxXyxy: [0, 0, 1, 1],
    granularities: ['coarse'],
    category,
  }));
  const list = {
    boxesXyxy: new Float32Array(16),
    indexOf: new Map([
      [0, 3],
      [1, 0],
      [2, 1],
    ]),
  };
  const { 'object names': labels } = objectNamingFeeds([regions], [list], tokenOf);
  expect([...labels.data].map(Number)).toEqual([tokenOf('cup'), -100, -100, tokenOf('dog')]);
  expect(tokenOf('cup')).not.toBe(tokenOf('dog'));
});
