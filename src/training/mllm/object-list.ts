/**
 * The list of boxes that a training picture comes with (paper section 5): the objects of the scene and proposals beside
 * them, at most 100, in random order. Proposals that are almost an object are dropped, since they would have two names.
 */

import { iou } from '../../boxes/overlap.ts';
import { maxObjects } from '../../prompt/special-tokens.ts';
import type { Random } from '../../random.ts';
import type { Scene } from '../../world/scene.ts';

export interface ObjectList {
  /** [K, 4] in pixels of the picture. */
  readonly boxesXyxy: Float32Array;
  /** Where each object of the scene stands in the list. */
  readonly indexOf: ReadonlyMap<number, number>;
}

/** A proposal that overlaps an object more than this is that object. */
const sameObjectIou = 0.9;

/**
 * @param proposals boxes of the UPN, [P, 4] xyxy
 * @param jitter corners of objects are moved by up to this share of the box, as proposals are never exact
 */
export function objectList(
  { objects }: Pick<Scene, 'objects'>,
  proposals: Float32Array,
  jitter: number,
  random: Random,
): ObjectList {
  const truths = objects.slice(0, maxObjects).map(({ boxXyxy }) => jittered(boxXyxy, jitter, random));
  const overlap = iou(Float32Array.from(truths.flat()), proposals);
  const count = proposals.length / 4;
  const others = Array.from({ length: count }, (_, p) => p).filter((p) =>
    truths.every((_, t) => overlap[t * count + p] <= sameObjectIou),
  );
  const kept = random.shuffle(others).slice(0, maxObjects - truths.length);
  const boxes = [
    ...truths.map((box, object) => ({ box, object })),
    ...kept.map((p) => ({ box: [...proposals.subarray(4 * p, 4 * p + 4)], object: -1 })),
  ];
  const shuffled = random.shuffle(boxes);
  return {
    boxesXyxy: Float32Array.from(shuffled.flatMap(({ box }) => box)),
    indexOf: new Map(shuffled.flatMap(({ object }, index) => (object < 0 ? [] : [[object, index] as const]))),
  };
}

function jittered([x1, y1, x2, y2]: readonly number[], share: number, random: Random): number[] {
  const move = (length: number) => random.range(-share, share) * length;
  const [width, height] = [x2 - x1, y2 - y1];
  return [x1 + move(width), y1 + move(height), x2 + move(width), y2 + move(height)];
}

/** Boxes that stand in for proposals before there is a UPN: near misses of objects, and places anywhere. */
export function randomProposals({ objects, image }: Scene, count: number, random: Random): Float32Array {
  const boxes = Array.from({ length: count }, () => {
    if (objects.length > 0 && random.chance(0.7)) return jittered(random.pick(objects).boxXyxy, 0.35, random);
    const [width, height] = [random.logRange(12, 160), random.logRange(12, 160)];
    const [x, y] = [random.range(0, image.width - width), random.range(0, image.height - height)];
    return [x, y, x + width, y + height];
  });
  return Float32Array.from(boxes.flat());
}
