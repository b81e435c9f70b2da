/**
 * A second, independent reading of RexWorld's phrases: from the words to the objects, by brute force and without
 * margins. It shares no code with `facts.ts` and `description.ts`; where a phrase is unambiguous both must agree.
 */

import { CATEGORIES } from '../categories.ts';
import type { Scene, SceneObject } from '../scene.ts';

const COLOUR = /^(red|orange|yellow|green|blue|purple|pink|white|black)$/;
const ORDINAL: Record<string, number> = { second: 2, third: 3 };
const NAMES = CATEGORIES.map(({ name }) => name).sort((a, b) => b.length - a.length);
const SIDES: Record<string, (u: number, v: number) => boolean> = {
  'on the left': (u) => u < 0.42,
  'on the right': (u) => u > 0.58,
  'at the top': (_, v) => v < 0.42,
  'at the bottom': (_, v) => v > 0.58,
  'in the middle': (u, v) => Math.max(Math.abs(u - 0.5), Math.abs(v - 0.5)) < 0.16,
};
const RELATIONS = ['to the left of', 'to the right of', 'above', 'below', 'next to', 'on', 'in', 'of'];

type Rule = (objects: SceneObject[], index: number) => boolean;

/** The objects a phrase means. Throws when it cannot be read or an anchor is not one object. */
export function readPhrase(scene: Scene, phrase: string): number[] {
  const { noun, rules } = parse(scene, phrase);
  const named = scene.objects.flatMap((object, index) => (object.category.name === noun ? [index] : []));
  return named.filter((index) =>
    rules.every((rule) =>
      rule(
        named.map((i) => scene.objects[i]),
        index,
      ),
    ),
  );
}

function parse(scene: Scene, phrase: string): { noun: string; rules: Rule[] } {
  const { objects, image } = scene;
  const rules: Rule[] = [];
  let rest = phrase;
  let ordinal = 0;
  for (;;) {
    const noun = NAMES.find((name) => rest === name || rest.startsWith(`${name} `));
    if (noun) {
      rest = rest.slice(noun.length).trim();
      readTail(noun);
      return { noun, rules };
    }
    const [word] = rest.split(' ');
    rest = rest.slice(word.length + 1);
    if (COLOUR.test(word)) rules.push((_, i) => objects[i].colour === word);
    else if (word === 'small') rules.push((_, i) => size(objects[i]) / Math.sqrt(image.width * image.height) < 0.145);
    else if (word === 'large') rules.push((_, i) => size(objects[i]) / Math.sqrt(image.width * image.height) > 0.315);
    else if (ORDINAL[word]) ordinal = ORDINAL[word];
    else if (/most$|est$/.test(word))
      rules.push((all, i) => all.every((other) => rank(objects[i], word) >= rank(other, word)));
    else throw new Error(`cannot read "${word}" in "${phrase}"`);
  }

  function readTail(noun: string): void {
    while (rest !== '') {
      const from = /^from the (left|right)/.exec(rest);
      const side = Object.keys(SIDES).find((words) => rest.startsWith(words));
      const relation = RELATIONS.find((words) => rest.startsWith(`${words} the `));
      if (from) {
        const key = from[1] === 'left' ? 'rightmost' : 'leftmost';
        const n = ordinal;
        rules.push((all, i) => all.filter((o) => rank(o, key) < rank(objects[i], key)).length === n - 1);
        rest = rest.slice(from[0].length).trim();
      } else if (side) {
        rules.push((_, i) => SIDES[side](middle(objects[i])[0] / image.width, middle(objects[i])[1] / image.height));
        rest = rest.slice(side.length).trim();
      } else if (relation) {
        const anchors = readPhrase(scene, rest.slice(`${relation} the `.length));
        if (anchors.length !== 1) throw new Error(`anchor of "${phrase}" means ${anchors.length} objects`);
        rules.push((_, i) => relates(scene, i, relation, anchors[0]));
        rest = '';
      } else throw new Error(`cannot read "${rest}" after "${noun}"`);
    }
  }
}

function relates({ objects, image }: Scene, a: number, relation: string, b: number): boolean {
  const [one, other] = [objects[a], objects[b]];
  const [[ax, ay], [bx, by]] = [middle(one), middle(other)];
  if (relation === 'to the left of') return ax < bx;
  if (relation === 'to the right of') return ax > bx;
  if (relation === 'above') return ay < by;
  if (relation === 'below') return ay > by;
  if (relation === 'next to') {
    const [p, q] = [one.boxXyxy, other.boxXyxy];
    const gap = Math.hypot(Math.max(0, p[0] - q[2], q[0] - p[2]), Math.max(0, p[1] - q[3], q[1] - p[3]));
    return a !== b && gap < 0.1 * Math.sqrt(image.width * image.height);
  }
  return one.parent === b || one.support === b;
}

function rank(object: SceneObject, word: string): number {
  const [x, y] = middle(object);
  const ranks: Record<string, number> = {
    leftmost: -x,
    rightmost: x,
    topmost: -y,
    bottommost: y,
    largest: size(object),
  };
  return ranks[word] ?? -size(object);
}

function middle({ boxXyxy: [left, top, right, bottom] }: SceneObject): [number, number] {
  return [left + (right - left) / 2, top + (bottom - top) / 2];
}

function size({ boxXyxy: [left, top, right, bottom] }: SceneObject): number {
  return Math.sqrt(right - left) * Math.sqrt(bottom - top);
}
