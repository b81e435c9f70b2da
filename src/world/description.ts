/**
 * Phrases that pick out objects: a noun with modifiers, its words, and which objects of a scene it means.
 */

import { pluralOf } from '../prompt/words.ts';
import { categoryNamed } from './categories.ts';
import {
  COUNTABLE_HYPERNYMS,
  colourTruth,
  type Extreme,
  extremeOf,
  isNamed,
  nthFrom,
  type Relation,
  relationTruth,
  type Side,
  type Size,
  sideTruth,
  sizeTruth,
  type Truth,
} from './facts.ts';
import type { Colour } from './paint.ts';
import type { Scene } from './scene.ts';

/** What narrows a noun down; `anchor` is a phrase that means one object. */
export type Modifier =
  | { readonly kind: 'colour'; readonly colour: Colour }
  | { readonly kind: 'size'; readonly size: Size }
  | { readonly kind: 'side'; readonly side: Side }
  | { readonly kind: 'extreme'; readonly extreme: Extreme }
  | { readonly kind: 'order'; readonly n: number; readonly from: 'left' | 'right' }
  | { readonly kind: 'relation'; readonly relation: Relation; readonly anchor: Description };

/** "small red car to the left of the dog"; at most one modifier of each kind. */
export interface Description {
  /** A category's name or a general word. */
  readonly noun: string;
  readonly modifiers: readonly Modifier[];
}

export const ORDINALS = ['', 'first', 'second', 'third', 'fourth', 'fifth'] as const;

export const SIDE_PHRASES: Readonly<Record<Side, string>> = {
  left: 'on the left',
  right: 'on the right',
  top: 'at the top',
  bottom: 'at the bottom',
  middle: 'in the middle',
};

export const RELATION_PHRASES: Readonly<Record<Relation, string>> = {
  'left of': 'to the left of',
  'right of': 'to the right of',
  above: 'above',
  below: 'below',
  'next to': 'next to',
  on: 'on',
  in: 'in',
  of: 'of',
};

/** Objects the description means; null when a single object is a doubtful case. */
export function resolve(scene: Scene, { noun, modifiers }: Description): number[] | null {
  let candidates = allNamed(scene, noun);
  const doubtful = new Set<number>();
  for (const modifier of modifiers) {
    const truthOf = judge(scene, noun, modifier);
    candidates = candidates.filter((index) => {
      const truth = truthOf(index);
      if (truth === 'unclear') doubtful.add(index);
      return truth !== 'no';
    });
  }
  return candidates.some((index) => doubtful.has(index)) ? null : candidates;
}

/** How true one modifier is of the objects of a noun; what does not depend on the object is found out once. */
function judge(scene: Scene, noun: string, modifier: Modifier): (index: number) => Truth {
  const { objects } = scene;
  switch (modifier.kind) {
    case 'colour':
      return (index) => colourTruth(objects[index], modifier.colour);
    case 'size':
      return (index) => sizeTruth(scene, objects[index], modifier.size);
    case 'side':
      return (index) => sideTruth(scene, objects[index], modifier.side);
    case 'extreme': {
      const answer = extremeOf(scene, allNamed(scene, noun), modifier.extreme);
      return (index) => isThis(index, answer);
    }
    case 'order': {
      const answer = nthFrom(scene, allNamed(scene, noun), modifier.n, modifier.from);
      return (index) => isThis(index, answer);
    }
    case 'relation': {
      const anchors = resolve(scene, modifier.anchor);
      if (anchors?.length !== 1) return () => 'unclear';
      return (index) => relationTruth(scene, index, modifier.relation, anchors[0]);
    }
  }
}

function isThis(index: number, answer: number | null): Truth {
  if (answer === null) return 'unclear';
  return answer === index ? 'yes' : 'no';
}

/** Every object a noun names. */
export function allNamed(scene: Scene, noun: string): number[] {
  const named: number[] = [];
  for (let index = 0; index < scene.objects.length; index++) {
    if (isNamed(scene.objects[index].category, noun)) named.push(index);
  }
  return named;
}

/** The words, without an article: "second red apple from the left". */
export function describe({ noun, modifiers }: Description, number: 'singular' | 'plural' = 'singular'): string {
  const before: string[] = [];
  const after: string[] = [];
  for (const modifier of modifiers) {
    if (modifier.kind === 'colour') before.push(modifier.colour);
    else if (modifier.kind === 'size') before.unshift(modifier.size);
    else if (modifier.kind === 'extreme') before.unshift(modifier.extreme);
    else if (modifier.kind === 'side') after.push(SIDE_PHRASES[modifier.side]);
    else if (modifier.kind === 'relation')
      after.push(`${RELATION_PHRASES[modifier.relation]} the ${describe(modifier.anchor)}`);
    else {
      before.unshift(ORDINALS[modifier.n]);
      after.push(`from the ${modifier.from}`);
    }
  }
  return [...before, number === 'plural' ? pluralNoun(noun) : noun, ...after].join(' ');
}

/** The plural of a category's name or a general word. */
export function pluralNoun(noun: string): string {
  return COUNTABLE_HYPERNYMS.includes(noun) ? pluralOf(noun) : categoryNamed(noun).plural;
}
