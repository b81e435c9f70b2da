/**
 * Finds descriptions that mean exactly one object (referring) or exactly one set of objects (short phrases).
 */

import type { Random } from '../random.ts';
import { type Description, type Modifier, resolve } from './description.ts';
import { type Extreme, holdingRelation, type Relation, type Side, type Size } from './facts.ts';
import type { Scene } from './scene.ts';

const SIDES: readonly Side[] = ['left', 'right', 'top', 'bottom', 'middle'];
const SIZES: readonly Size[] = ['small', 'large'];
const EXTREMES: readonly Extreme[] = ['leftmost', 'rightmost', 'topmost', 'bottommost', 'largest', 'smallest'];
const RELATIONS: readonly Relation[] = ['left of', 'right of', 'above', 'below', 'next to'];
/** Combinations looked at before giving up on an object. */
const MAX_TRIES = 40;

/**
 * A description that means this object alone, with as few modifiers as it takes; null when none is plain.
 * One time in five it says more than it must, as people do.
 */
export function refer(scene: Scene, target: number, random: Random): Description | null {
  const noun = scene.objects[target].category.name;
  const plain: Description = { noun, modifiers: [] };
  const isOnly = resolve(scene, plain)?.length === 1;
  if (isOnly && random.chance(0.8)) return plain;
  const modifiers = random.shuffle(modifiersOf(scene, target, random));
  const pairs = modifiers.flatMap((a, at) => modifiers.slice(at + 1).map((b) => [a, b])).filter(isSayable);
  const tries = [...modifiers.map((modifier) => [modifier]), ...random.shuffle(pairs)].slice(0, MAX_TRIES);
  for (const candidate of tries) {
    const description = { noun, modifiers: candidate };
    const meant = resolve(scene, description);
    if (meant?.length === 1 && meant[0] === target) return description;
  }
  return isOnly ? plain : null;
}

/** A description with one modifier and everything it means, one or more objects; null when none is plain. */
export function phraseFor(scene: Scene, seedObject: number, random: Random) {
  const { category } = scene.objects[seedObject];
  for (const modifier of random.shuffle(modifiersOf(scene, seedObject, random))) {
    if (modifier.kind === 'extreme' || modifier.kind === 'order') continue;
    const description: Description = { noun: category.name, modifiers: [modifier] };
    const objects = resolve(scene, description);
    if (objects && objects.length > 0) return { description, objects };
  }
  return null;
}

/** Every modifier that could be true of the object; whether it is plain, `resolve` decides. */
function modifiersOf(scene: Scene, target: number, random: Random): Modifier[] {
  const { colour, parent, support, category } = scene.objects[target];
  const found: Modifier[] = [];
  if (colour) found.push({ kind: 'colour', colour });
  found.push(...SIDES.map((side): Modifier => ({ kind: 'side', side })));
  found.push(...SIZES.map((size): Modifier => ({ kind: 'size', size })));
  found.push(...EXTREMES.map((extreme): Modifier => ({ kind: 'extreme', extreme })));
  for (const n of [2, 3]) for (const from of ['left', 'right'] as const) found.push({ kind: 'order', n, from });
  const holder = parent ?? support;
  if (holder !== null) {
    const anchor = nameOf(scene, holder);
    const relation = category.kind === 'part' ? 'of' : holdingRelation(scene.objects[holder]);
    if (anchor) found.push({ kind: 'relation', relation, anchor });
  }
  for (const other of random.shuffle(scene.objects.map((_, index) => index)).slice(0, 4)) {
    const anchor = other === target || scene.objects[other].category.kind === 'part' ? null : nameOf(scene, other);
    if (anchor) found.push({ kind: 'relation', relation: random.pick(RELATIONS), anchor });
  }
  return found;
}

/** A short name of one object that no other has: its noun, or its colour and noun. */
export function nameOf(scene: Scene, index: number): Description | null {
  const { category, colour } = scene.objects[index];
  const plain: Description = { noun: category.name, modifiers: [] };
  if (resolve(scene, plain)?.length === 1) return plain;
  if (!colour) return null;
  const coloured: Description = { noun: category.name, modifiers: [{ kind: 'colour', colour }] };
  return resolve(scene, coloured)?.length === 1 ? coloured : null;
}

/** Two modifiers that a sentence can carry together; superlatives and order stand alone. */
function isSayable([a, b]: Modifier[]): boolean {
  if (a.kind === b.kind) return false;
  return ![a, b].some(({ kind }) => kind === 'extreme' || kind === 'order');
}
