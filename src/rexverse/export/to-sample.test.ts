import { expect, test } from 'vitest';
import { conversationsOf } from '../../datasets/tasks/conversations.ts';
import { createRandom } from '../../random.ts';
import type { AnnotatedPhrase, Annotation, DoneOutcome } from '../annotation.ts';
import { toSample } from './to-sample.ts';

const phrase = (query: string, regions: number[], kind: AnnotatedPhrase['kind'] = 'category'): AnnotatedPhrase => ({
  ...{ start: 0, end: query.length, count: 'several', query, kind, regions },
});

const region = (category: string, named: string): Annotation['regions'][number] => ({
  ...{ boxXyxy: [0, 0, 10, 10], score: 1, category, phrase: named },
});

const done: DoneOutcome = {
  ...{ state: 'done', index: 0, name: 'a.png' },
  item: { id: 'a', imageHash: 'a', file: 'a.png', isDownloaded: false, width: 20, height: 20 },
  annotation: {
    texts: [
      {
        text: 'Dogs, a red ball, a cat and two cups in front of a large old wooden door, no bear.',
        phrases: [
          phrase('dog', [0]),
          phrase('red ball', [1]),
          phrase('cat', [2]),
          phrase('cup', [3]),
          phrase('large old wooden door', [4], 'descriptive'),
          phrase('bear', []),
        ],
      },
    ],
    regions: [
      region('dog', 'dog'),
      region('ball', 'red ball'),
      region('cat', 'cat'),
      region('cup', 'cup'),
      region('door', 'large old wooden door'),
    ],
    dropped: [{ stage: 'ground', what: 'cat', reason: 'more boxes than the phrase names things' }],
  },
};

test('a bare name is a name, a name with an adjective is a phrase', () => {
  const { phrases } = toSample(done, 'a.png');
  expect(Object.fromEntries(phrases.map(({ text, kind }) => [text, kind]))).toEqual({
    ...{ dog: 'name', 'red ball': 'phrase', cat: 'name', cup: 'name', bear: 'name' },
    'large old wooden door': 'phrase',
  });
});

test('names whose boxes were all kept may be asked for; of others there may be more than was annotated', () => {
  const sample = toSample(done, 'a.png');
  expect(sample.coverage).toEqual({ complete: [], isClosed: false, partialCategories: ['ball', 'cat', 'door'] });
  const wish = { counts: { detection: 40 }, wordings: 'seen', random: createRandom('names') } as const;
  const answers = conversationsOf(sample, [], wish).flatMap(({ turns }) => turns[0].answer);
  const asked = answers.flatMap((span) => (span.kind === 'phrase' ? [span.text] : []));
  expect([...new Set(asked)].sort()).toEqual(['bear', 'cup', 'dog']);
});
