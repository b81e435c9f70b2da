import { describe, expect, test } from 'vitest';
import { plainText } from '../../grounding/render.ts';
import { inOneWord } from '../../prompt/questions.ts';
import { createRandom } from '../../random.ts';
import type { ConversationWish, VocabularyEntry } from '../dataset.ts';
import type { Coverage, Region, Sample } from '../sample.ts';
import { conversationsOf } from './conversations.ts';
import { regionQuestionKinds } from './region-questions.ts';

const region = (
  category: string | undefined,
  x: number,
  y: number,
  side: number,
  more: Partial<Region> = {},
): Region => ({
  boxXyxy: [x, y, x + side, y + side],
  category,
  granularities: ['coarse'],
  ...more,
});
const closed: Coverage = { complete: ['coarse'], isClosed: true };
const vocabulary: VocabularyEntry[] = ['dog', 'cat', 'person', 'bird', 'car', 'crowd'].map((name, i) => ({
  name,
  frequency: i < 3 ? 'f' : 'r',
}));
const sample: Sample = {
  id: '1',
  image: { file: 'a.jpg', size: { width: 640, height: 480 } },
  regions: [
    region('dog', 10, 200, 60),
    region('dog', 500, 210, 60),
    region('cat', 300, 20, 30),
    region('crowd', 0, 400, 80),
    region('crowd', 300, 400, 80, { isIgnored: true }),
    region(undefined, 100, 100, 20),
  ],
  phrases: [
    { text: 'the black dog', regions: [0], kind: 'referring' },
    { text: 'two dogs', regions: [0, 1], kind: 'phrase' },
    { text: 'A small cat that looks up.', regions: [2], kind: 'description' },
  ],
  conversations: [],
  coverage: closed,
};

const wish = (counts: Record<string, number>, more: Partial<ConversationWish> = {}): ConversationWish => ({
  counts,
  wordings: 'seen',
  random: createRandom('wish'),
  ...more,
});
const phrasesOf = (of: Sample, counts: Record<string, number>) =>
  conversationsOf(of, vocabulary, wish(counts)).flatMap(({ turns }) =>
    turns.flatMap(({ answer }) => answer.flatMap((span) => (span.kind === 'phrase' ? [span] : []))),
  );

describe('detection', () => {
  test('says every region of a category, and nothing of what is not complete', () => {
    const spans = phrasesOf(sample, { detection: 60 });
    const objects = new Map(spans.map(({ text, objects: meant }) => [text, meant]));
    expect(objects.get('dog')).toEqual([0, 1]);
    expect(objects.get('cat')).toEqual([2]);
    expect([...objects.keys()], 'of a crowd nobody knows how many').not.toContain('crowd');
    for (const name of ['bird', 'car', 'person']) expect(objects.get(name)).toEqual([]);
  });

  test('unknown is not absent: an open set names only what it says is absent', () => {
    const open: Sample = {
      ...sample,
      phrases: [{ text: 'bird', regions: [], kind: 'name' }],
      coverage: { complete: [], isClosed: false, partialCategories: ['dog'] },
    };
    const objects = new Map(phrasesOf(open, { detection: 60 }).map(({ text, objects: meant }) => [text, meant]));
    expect([...objects].sort()).toEqual([
      ['bird', []],
      ['cat', [2]],
    ]);
  });

  test('a set that annotates only what somebody referred to has no names to ask for', () => {
    const partial: Sample = { ...sample, coverage: { complete: [], isClosed: false } };
    expect(conversationsOf(partial, vocabulary, wish({ detection: 5, counting: 5 }))).toEqual([]);
  });

  test('long-tail detection asks for rare names alone', () => {
    const names = phrasesOf({ ...sample, regions: [region('bird', 0, 0, 9)] }, { 'long-tail-detection': 30 });
    expect(new Set(names.map(({ text }) => text))).toEqual(new Set(['bird', 'car', 'crowd']));
  });
});

test('phrases and expressions mean their regions', () => {
  for (const [task, expected] of [
    ['phrase-grounding', { text: 'two dogs', objects: [0, 1] }],
    ['referring', { text: 'the black dog', objects: [0] }],
  ] as const) {
    const spans = phrasesOf(sample, { [task]: 3 });
    expect(spans.length).toBeGreaterThan(0);
    for (const span of spans) expect(span).toMatchObject(expected);
  }
});

test('counts equal the number of boxes; zero too', () => {
  const counted = conversationsOf(sample, vocabulary, wish({ counting: 60 }));
  const said = new Map(counted.map(({ turns: [{ answer, accepted }] }) => [plainText(answer), accepted]));
  expect(said.get('dogs: two.')).toEqual(['two']);
  expect(said.get('cats: one.')).toEqual(['one']);
  expect([...said.keys()].some((text) => /(birds|cars|people): zero\./.test(text))).toBe(true);
  expect([...said.keys()].some((text) => /crowds/.test(text))).toBe(false);
});

test('captions are what the set says of one region, in the style that is asked for', () => {
  const captions = (regionStyle?: string) =>
    conversationsOf(sample, vocabulary, wish({ 'region-caption': 40 }, { regionStyle })).map(({ turns: [turn] }) =>
      plainText(turn.answer),
    );
  expect(new Set(captions('category'))).toEqual(new Set(['dog', 'cat', 'crowd']));
  expect(new Set(captions('sentence'))).toEqual(new Set(['A small cat that looks up.']));
  expect(captions('phrase'), 'a phrase of two regions describes neither').toEqual([]);
});

test('questions about regions have one right answer', () => {
  for (const kind of regionQuestionKinds) {
    const made = conversationsOf(sample, vocabulary, wish({ 'region-qa': 30 }, { kinds: [kind] }));
    expect(made.length, kind).toBeGreaterThan(0);
    for (const {
      turns: [turn],
    } of made) {
      expect(turn.kind).toBe(kind);
      expect(plainText(turn.answer)).toContain(turn.accepted![0]);
      const meant = turn.question.flatMap((span) => (span.kind === 'phrase' ? span.objects : []));
      const [one, other] = meant.map((index) => sample.regions[index]);
      if (kind === 'larger') {
        const larger = one.boxXyxy[2] - one.boxXyxy[0] > other.boxXyxy[2] - other.boxXyxy[0] ? one : other;
        expect(turn.accepted).toEqual([larger.category]);
      }
      if (kind === 'relation' && turn.accepted![0] === 'above')
        expect(one.boxXyxy[3]).toBeLessThanOrEqual(other.boxXyxy[1]);
      if (kind === 'where' && turn.accepted![0] === 'on the left') expect(one.boxXyxy[0]).toBeLessThan(320);
    }
  }
  const exists = conversationsOf(sample, vocabulary, wish({ 'region-qa': 60 }, { kinds: ['exists'] }));
  const short = exists.filter(({ turns: [{ question }] }) => plainText(question).endsWith(inOneWord));
  expect(short.length).toBeGreaterThan(0);
  for (const {
    turns: [{ answer, accepted }],
  } of short) {
    expect([plainText(answer)], 'one word where one word is asked for').toEqual(accepted);
  }
  for (const {
    turns: [{ answer, accepted }],
  } of exists.filter((one) => !short.includes(one))) {
    const [phrase] = answer.flatMap((span) => (span.kind === 'phrase' ? [span] : []));
    expect(accepted).toEqual([phrase.objects.length > 0 ? 'yes' : 'no']);
  }
  expect(new Set(exists.map(({ turns: [{ accepted }] }) => accepted![0]))).toEqual(new Set(['yes', 'no']));
});

test('stored conversations come first and are not doubled; an image without regions has questions about absence', () => {
  const stored = { task: 'counting', turns: [{ question: [], answer: [{ kind: 'text' as const, text: 'stored' }] }] };
  const [first, ...more] = conversationsOf({ ...sample, conversations: [stored] }, vocabulary, wish({ counting: 3 }));
  expect(first).toBe(stored);
  expect(more.length).toBeGreaterThan(0);
  const empty = { ...sample, regions: [], phrases: [] };
  const spans = phrasesOf(empty, { detection: 5, counting: 2, 'region-qa': 2, referring: 2, 'region-caption': 2 });
  expect(spans.length).toBeGreaterThan(0);
  expect(spans.every(({ objects }) => objects.length === 0)).toBe(true);
});
