/**
 * The categories of RexWorld as records: names, plurals, super-categories, and how often each appears (a long tail with
 * frequent, common and rare classes, as LVIS groups them).
 */

import { pluralOf } from '../prompt/words.ts';
import { CATEGORY_LIST } from './category-list.ts';
import { COMPOSITE_NAMES, CONTAINER_NAMES, PART_NAMES } from './drawn-names.ts';

/** What a category is built as: a single sprite, a holder of things, a whole made of pieces, or a piece. */
export type CategoryKind = 'thing' | 'container' | 'composite' | 'part';

/** One nameable class of objects. */
export interface Category {
  /** Place in {@link CATEGORIES}; COCO files use `id + 1`. */
  readonly id: number;
  readonly name: string;
  readonly plural: string;
  /** The nearest general word first: `['bird', 'animal']`. */
  readonly hypernyms: readonly string[];
  readonly kind: CategoryKind;
  /** Whether the object is repainted, so that its colour is always known. */
  readonly isPainted: boolean;
  /** LVIS-like group; only things have a tail, the drawn kinds are common. */
  readonly frequency: 'frequent' | 'common' | 'rare';
  /** Unnormalised probability of being chosen for a scene. */
  readonly weight: number;
  /** File stem of the emoji sprite, absent for drawn kinds. */
  readonly codepoints?: string;
}

/** General words above the super-categories of the list. */
const PARENT_OF_SUPER: Readonly<Record<string, string>> = {
  bird: 'animal',
  bug: 'animal',
  'sea creature': 'animal',
  fruit: 'food',
  vegetable: 'food',
  flower: 'plant',
};

const ZIPF_EXPONENT = 0.85;
/** Flattens the head of the Zipf curve: the commonest class is about 15 times as likely as the rarest. */
const ZIPF_OFFSET = 14;

/** Every category; `CATEGORIES[i].id === i`. */
export const CATEGORIES: readonly Category[] = buildCategories();

const BY_NAME = new Map(CATEGORIES.map((category) => [category.name, category]));

/** The category of a name that is known to exist. */
export function categoryNamed(name: string): Category {
  return BY_NAME.get(name)!;
}

function buildCategories(): Category[] {
  const things = Object.entries(CATEGORY_LIST).flatMap(([superName, list]) =>
    list.split(';').map((entry, index, entries) => {
      const [, star, codepoints, fullName] = /^\s*(\*?)(\S+) (.+?)\s*$/s.exec(entry)!;
      return { ...splitName(fullName), superName, codepoints, isPainted: star === '*', depth: index / entries.length };
    }),
  );
  const order = things.map((_, index) => index).sort((a, b) => things[a].depth - things[b].depth || a - b);
  const rankOf = new Map(order.map((index, rank) => [index, rank]));
  const categories = things.map(({ superName, depth: _, ...thing }, index): Omit<Category, 'id'> => {
    const rank = rankOf.get(index)!;
    const share = rank / things.length;
    return {
      ...thing,
      hypernyms: PARENT_OF_SUPER[superName] ? [superName, PARENT_OF_SUPER[superName]] : [superName],
      kind: 'thing',
      frequency: share < 0.25 ? 'frequent' : share < 0.65 ? 'common' : 'rare',
      weight: (rank + ZIPF_OFFSET) ** -ZIPF_EXPONENT,
    };
  });
  const drawn = (names: string, kind: CategoryKind, hypernym: string) =>
    names.split(';').map((entry): Omit<Category, 'id'> => {
      const [, star, fullName] = /^\s*(\*?)(.+?)\s*$/.exec(entry)!;
      const isPainted = star === '*';
      return { ...splitName(fullName), hypernyms: [hypernym], kind, isPainted, frequency: 'common', weight: 0 };
    });
  return [
    ...categories,
    ...drawn(CONTAINER_NAMES, 'container', 'container'),
    ...drawn(COMPOSITE_NAMES, 'composite', 'group'),
    ...drawn(PART_NAMES, 'part', 'part'),
  ].map((category, id) => ({ id, ...category }));
}

function splitName(fullName: string): { name: string; plural: string } {
  const [name, plural] = fullName.split('|');
  return { name, plural: plural ?? pluralOf(name) };
}
