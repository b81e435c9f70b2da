/**
 * Contrastive denoising (Zhang et al., DINO, 2022): queries made from noised boxes of the objects, one near each object
 * that must find it again, and a negative farther away that must be classified as background. No matching is needed.
 */

import type { Random } from '../../random.ts';
import type { Boxes } from './batch.ts';

/** The noised queries of an image for one prompt. */
export interface DenoisingGroup {
  /** [queries, 4] before the sigmoid. */
  readonly boxesUnsigmoid: Float32Array;
  /** Per query the object that it must find, or -1. */
  readonly object: Int32Array;
  /** Which queries are in use. */
  readonly isUsed: Uint8Array;
  /** Copies of the list of objects; queries see only their own copy. */
  readonly copy: Int32Array;
  readonly positives: number;
}

/** Noise moves corners by up to this share of half the box; negatives are moved by between one and two of it. */
const boxNoise = 0.8;

export function denoisingGroup(objects: Boxes, queries: number, random: Random): DenoisingGroup {
  const count = objects.length / 4;
  const group = {
    boxesUnsigmoid: new Float32Array(queries * 4),
    object: new Int32Array(queries).fill(-1),
    isUsed: new Uint8Array(queries),
    copy: new Int32Array(queries).fill(-1),
  };
  const pairs = count === 0 ? 0 : Math.floor(queries / 2);
  // With more objects than pairs a random choice of them is noised.
  const order = random.shuffle(Array.from({ length: count }, (_, i) => i));
  for (let pair = 0; pair < pairs; pair++) {
    const object = order[pair % count];
    for (const isNegative of [0, 1]) {
      const query = 2 * pair + isNegative;
      const noised = noise(objects.subarray(4 * object, 4 * object + 4), isNegative, random);
      for (let i = 0; i < 4; i++) group.boxesUnsigmoid[4 * query + i] = Math.log(noised[i] / (1 - noised[i]));
      group.object[query] = isNegative ? -1 : object;
      group.isUsed[query] = 1;
      group.copy[query] = Math.floor(pair / count);
    }
  }
  return { ...group, positives: pairs };
}

function noise(box: Float32Array, ring: number, random: Random): number[] {
  const [cx, cy, width, height] = box;
  const shift = (half: number) => (random.chance(0.5) ? 1 : -1) * (random.next() + ring) * half * boxNoise;
  const [x1, x2] = [cx - width / 2 + shift(width / 2), cx + width / 2 + shift(width / 2)];
  const [y1, y2] = [cy - height / 2 + shift(height / 2), cy + height / 2 + shift(height / 2)];
  const inside = (value: number) => Math.min(Math.max(value, 0), 1);
  const [left, right, top, bottom] = [Math.min(x1, x2), Math.max(x1, x2), Math.min(y1, y2), Math.max(y1, y2)].map(
    inside,
  );
  const open = (value: number) => Math.min(Math.max(value, 1e-3), 1 - 1e-3);
  return [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top].map(open);
}

/** Added to attention scores where a query must not look. */
const hidden = -1e4;

/**
 * [queries + selected]^2: noised queries see their own copy, selected ones see each other, neither sees the other kind.
 */
export function denoisingMask({ copy }: DenoisingGroup, selected: number, into: Float32Array): void {
  const queries = copy.length;
  const count = queries + selected;
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < count; column++) {
      const isNoised = row < queries;
      const sees = isNoised === column < queries && (!isNoised || copy[row] === copy[column]);
      into[row * count + column] = sees ? 0 : hidden;
    }
  }
}
