/**
 * Draws categories by their long-tailed weights.
 */

import type { Random } from '../random.ts';
import { CATEGORIES, type Category } from './categories.ts';

const THINGS = CATEGORIES.filter(({ kind }) => kind === 'thing');

/** One thing, likelier when it is frequent; `allowed` narrows the choice. */
export function pickCategory(random: Random, allowed: readonly Category[] = THINGS): Category {
  let total = 0;
  for (const { weight } of allowed) total += weight;
  let left = random.next() * total;
  for (const category of allowed) {
    left -= category.weight;
    if (left < 0) return category;
  }
  return THINGS[0];
}

/** The things whose nearest general word is this one. */
export function thingsOf(hypernym: string): Category[] {
  return THINGS.filter(({ hypernyms }) => hypernyms.includes(hypernym));
}
