import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { pluralOf } from '../prompt/words.ts';
import { CATEGORIES, categoryNamed } from './categories.ts';
import { LOOK_ALIKES } from './category-list.ts';
import { COUNTABLE_HYPERNYMS } from './facts.ts';
import { paintableShare } from './paint.ts';
import { loadSpriteAtlas } from './sprite-atlas.ts';

interface UnicodeEmoji {
  name: string;
  group: string;
}

const unicode: Record<string, UnicodeEmoji> = createRequire(import.meta.url)('unicode-emoji-json/data-by-emoji.json');

it('holds a few hundred categories with one name each', () => {
  expect(CATEGORIES.length).toBeGreaterThanOrEqual(250);
  expect(CATEGORIES.length).toBeLessThanOrEqual(400);
  expect(new Set(CATEGORIES.map(({ name }) => name)).size).toBe(CATEGORIES.length);
  CATEGORIES.forEach(({ id, name }, index) => {
    expect(id).toBe(index);
    expect(name).toMatch(/^[a-z]+( [a-z]+){0,2}$/);
  });
});

it('has no name that ends in another, nor one that is a general word of other things', () => {
  const names = [...CATEGORIES.map(({ name }) => name), ...COUNTABLE_HYPERNYMS];
  const clashes = CATEGORIES.flatMap(({ name, hypernyms }) =>
    names
      .filter((other) => name.endsWith(` ${other}`) && !hypernyms.includes(other))
      .map((other) => `${name} / ${other}`),
  );
  expect(clashes).toEqual([]);
});

it('uses emoji that Unicode knows as things: no faces, people, flags or symbols', () => {
  for (const { name, codepoints } of CATEGORIES) {
    if (!codepoints || name === 'bone') continue;
    const emoji = String.fromCodePoint(...codepoints.split('-').map((hex) => Number.parseInt(hex, 16)));
    const entry = unicode[emoji];
    expect(entry, name).toBeDefined();
    expect(['Animals & Nature', 'Food & Drink', 'Travel & Places', 'Activities', 'Objects'], name).toContain(
      entry.group,
    );
  }
});

it('has a long tail in three groups', () => {
  const things = CATEGORIES.filter(({ kind }) => kind === 'thing');
  const weights = things.map(({ weight }) => weight);
  expect(Math.max(...weights) / Math.min(...weights)).toBeGreaterThan(10);
  const lightest = (group: string) => Math.min(...things.filter((c) => c.frequency === group).map((c) => c.weight));
  const heaviest = (group: string) => Math.max(...things.filter((c) => c.frequency === group).map((c) => c.weight));
  expect(lightest('frequent')).toBeGreaterThan(heaviest('common'));
  expect(lightest('common')).toBeGreaterThan(heaviest('rare'));
});

it('lists look-alikes by names that exist', () => {
  const names = new Set(CATEGORIES.map(({ name }) => name));
  const alike = LOOK_ALIKES.flatMap((line) => line.split(';'));
  expect(alike.filter((name) => !names.has(name))).toEqual([]);
  // However full a scene (60 objects), a rare category is left that can be asked for as absent.
  const rare = CATEGORIES.filter(({ frequency, name }) => frequency === 'rare' && !alike.includes(name));
  expect(rare.length).toBeGreaterThan(60);
});

it('forms plurals', () => {
  expect(['fox', 'cherry', 'toy', 'watch', 'tomato', 'bus', 'dog'].map(pluralOf)).toEqual([
    'foxes',
    'cherries',
    'toys',
    'watches',
    'tomatoes',
    'buses',
    'dogs',
  ]);
  expect(categoryNamed('knife').plural).toBe('knives');
});

it('paints only what shows paint', async () => {
  const { sprites } = await loadSpriteAtlas();
  const pale = CATEGORIES.filter(({ isPainted, codepoints }) => isPainted && codepoints)
    .map(({ name }) => ({ name, share: paintableShare(sprites.get(name)!.levels[1].pixels) }))
    .filter(({ share }) => share < 0.4);
  expect(pale).toEqual([]);
});
