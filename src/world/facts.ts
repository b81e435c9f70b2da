/**
 * What is true of the objects of a scene: colour, size, place, order and relations, each with a margin.
 *
 * Everything is three-valued. A fact that a careful person would hesitate about is `unclear`, and no question whose
 * answer depends on an unclear fact is ever asked; that is how every phrase has one right set of objects.
 */

import type { Category } from './categories.ts';
import type { Colour } from './paint.ts';
import type { Scene, SceneObject } from './scene.ts';

export type Truth = 'yes' | 'no' | 'unclear';

export type Size = 'small' | 'large';
export type Side = 'left' | 'right' | 'top' | 'bottom' | 'middle';
export type Extreme = 'leftmost' | 'rightmost' | 'topmost' | 'bottommost' | 'largest' | 'smallest';
export type Relation = 'left of' | 'right of' | 'above' | 'below' | 'next to' | 'on' | 'in' | 'of';

/** General words that can be counted and asked for: "how many animals". */
export const COUNTABLE_HYPERNYMS: readonly string[] = [
  ...['animal', 'bird', 'sea creature', 'bug', 'fruit', 'vegetable', 'flower', 'plant', 'vehicle', 'building', 'bag'],
  ...['toy', 'instrument', 'tool', 'device'],
];

/** Containers one puts things onto rather than into. */
const SURFACES = new Set(['plate', 'tray', 'shelf', 'table', 'skewer']);

/** Gap that a difference of position must have, as a share of the image's side. */
const ORDER_MARGIN = 0.04;
/** Ratio of sides from which one thing is plainly larger than another. */
const LARGER_RATIO = 1.25;

/** Whether a noun, a category's name or a general word, names this category. */
export function isNamed({ name, hypernyms }: Category, noun: string): boolean {
  return name === noun || (hypernyms.includes(noun) && COUNTABLE_HYPERNYMS.includes(noun));
}

/** Only painted things have a known colour. */
export function colourTruth({ colour }: SceneObject, asked: Colour): Truth {
  return colour === null ? 'unclear' : toTruth(colour === asked);
}

/** Small and large are absolute: by the geometric mean of the box's sides against the image's. */
export function sizeTruth(scene: Scene, object: SceneObject, asked: Size): Truth {
  const share = sideOf(object) / sideOfImage(scene);
  return asked === 'small' ? between(share, 0.12, 0.17) : flip(between(share, 0.27, 0.36));
}

/** Where the centre of the box lies in the image. */
export function sideTruth({ image }: Scene, object: SceneObject, asked: Side): Truth {
  const [x, y] = centreOf(object);
  const [u, v] = [x / image.width, y / image.height];
  if (asked === 'left') return between(u, 0.36, 0.48);
  if (asked === 'right') return flip(between(u, 0.52, 0.64));
  if (asked === 'top') return between(v, 0.36, 0.48);
  if (asked === 'bottom') return flip(between(v, 0.52, 0.64));
  const away = Math.max(Math.abs(u - 0.5), Math.abs(v - 0.5));
  return between(away, 0.12, 0.2);
}

/** How a relation between two objects holds; both are indices into the scene's objects. */
export function relationTruth(scene: Scene, a: number, relation: Relation, b: number): Truth {
  if (a === b) return 'no';
  const [one, other] = [scene.objects[a], scene.objects[b]];
  if (relation === 'on' || relation === 'in') return holdingTruth(scene, a, relation, b);
  if (relation === 'of') return toTruth(one.parent === b && one.category.kind === 'part');
  if (one.parent === b || other.parent === a) return 'unclear';
  if (relation === 'next to') return between(gapBetween(one, other) / sideOfImage(scene), 0.05, 0.16);
  if (relation === 'right of') return relationTruth(scene, b, 'left of', a);
  if (relation === 'below') return relationTruth(scene, b, 'above', a);
  const [[ax, ay], [bx, by]] = [centreOf(one), centreOf(other)];
  const isSideways = relation === 'left of';
  const [along, across] = isSideways ? [bx - ax, Math.abs(by - ay)] : [by - ay, Math.abs(bx - ax)];
  if (along <= 0) return 'no';
  const [start, end] = isSideways ? [0, 2] : [1, 3];
  const isApart = one.boxXyxy[end] <= other.boxXyxy[start] + 0.25 * along;
  const isEnough = along >= 2 * ORDER_MARGIN * sideOfImage(scene);
  return isApart && isEnough && across <= 0.8 * along ? 'yes' : 'unclear';
}

/** Which relation a thing has to what holds it: fruit is in a basket and on a plate. */
export function holdingRelation(holder: SceneObject): 'on' | 'in' {
  return SURFACES.has(holder.category.name) ? 'on' : 'in';
}

function holdingTruth(scene: Scene, a: number, relation: 'on' | 'in', b: number): Truth {
  const [one, holder] = [scene.objects[a], scene.objects[b]];
  const isHeld = one.support === b || (one.parent === b && one.category.kind !== 'part');
  if (isHeld) return toTruth(holdingRelation(holder) === relation);
  if (one.parent === b || holder.parent === a || holder.support === a) return 'no';
  return gapBetween(one, holder) > 0 ? 'no' : 'unclear';
}

/**
 * The one of several objects that is the leftmost, largest and so on; null when it is not plain.
 * @param candidates indices into the scene's objects, at least two.
 */
export function extremeOf(scene: Scene, candidates: readonly number[], extreme: Extreme): number | null {
  if (candidates.length < 2) return null;
  const isOfSize = extreme === 'largest' || extreme === 'smallest';
  const value = (index: number) => extremeValue(scene.objects[index], extreme);
  const [first, second] = [...candidates].sort((a, b) => value(b) - value(a));
  if (isOfSize) {
    const [x, y] = [first, second].map((index) => sideOf(scene.objects[index]));
    return Math.max(x, y) / Math.min(x, y) >= LARGER_RATIO ? first : null;
  }
  return value(first) - value(second) >= ORDER_MARGIN * sideOfImage(scene) ? first : null;
}

/** The n-th (2, 3 ...) of at least three objects, counted from the left or the right; null when it is not plain. */
export function nthFrom(scene: Scene, candidates: readonly number[], n: number, from: 'left' | 'right'): number | null {
  if (candidates.length < 3 || n >= candidates.length) return null;
  const value = (index: number) => extremeValue(scene.objects[index], from === 'left' ? 'rightmost' : 'leftmost');
  const order = [...candidates].sort((a, b) => value(a) - value(b));
  const margin = ORDER_MARGIN * sideOfImage(scene);
  const isPlain = order.every((index, at) => at === 0 || value(index) - value(order[at - 1]) >= margin);
  return isPlain ? order[n - 1] : null;
}

/** Whether one object is plainly larger than another. */
export function largerTruth(one: SceneObject, other: SceneObject): Truth {
  const ratio = sideOf(one) / sideOf(other);
  if (ratio >= LARGER_RATIO) return 'yes';
  return ratio <= 1 / LARGER_RATIO ? 'no' : 'unclear';
}

function extremeValue(object: SceneObject, extreme: Extreme): number {
  const [x, y] = centreOf(object);
  if (extreme === 'leftmost') return -x;
  if (extreme === 'rightmost') return x;
  if (extreme === 'topmost') return -y;
  if (extreme === 'bottommost') return y;
  return extreme === 'largest' ? sideOf(object) : -sideOf(object);
}

/** Pixels between the nearest edges of two boxes, 0 where they touch. */
export function gapBetween({ boxXyxy: a }: SceneObject, { boxXyxy: b }: SceneObject): number {
  const dx = Math.max(0, a[0] - b[2], b[0] - a[2]);
  const dy = Math.max(0, a[1] - b[3], b[1] - a[3]);
  return Math.hypot(dx, dy);
}

/** Geometric mean of a box's sides. */
export function sideOf({ boxXyxy: [left, top, right, bottom] }: SceneObject): number {
  return Math.sqrt((right - left) * (bottom - top));
}

export function centreOf({ boxXyxy: [left, top, right, bottom] }: SceneObject): [number, number] {
  return [(left + right) / 2, (top + bottom) / 2];
}

function sideOfImage({ image }: Scene): number {
  return Math.sqrt(image.width * image.height);
}

/** Yes up to `low`, no from `high` on. */
function between(value: number, low: number, high: number): Truth {
  if (value <= low) return 'yes';
  return value >= high ? 'no' : 'unclear';
}

function flip(truth: Truth): Truth {
  if (truth === 'unclear') return truth;
  return truth === 'yes' ? 'no' : 'yes';
}

function toTruth(value: boolean): Truth {
  return value ? 'yes' : 'no';
}
