/**
 * The list of boxes that a training image comes with (paper section 5): the objects of the scene and proposals beside
 * them, at most 100, in random order. Proposals that are almost an object are dropped, since they would have two names.
 */

import { iou } from '../../boxes/overlap.ts';
import { maxObjects } from '../../grounding/dialect.ts';
import type { Random } from '../../random.ts';
import type { Scene } from '../../world/scene.ts';

export interface ObjectList {
  /** [K, 4] in pixels of the image. */
  readonly boxesXyxy: Float32Array;
  /** Where each object of the scene stands in the list. */
  readonly indexOf: ReadonlyMap<number, number>;
}

/** A proposal that overlaps an object more than this is that object (paper section 5). */
export const sameObjectIou = 0.9;
/** A proposal that overlaps an object at least this much has found it. */
const foundIou = 0.5;

export interface ObjectListOptions {
  /** Corners of objects are moved by up to this share of their box, as proposals are never exact. */
  readonly jitter: number;
  /** Whether proposals stand in for the objects that they found, as when the model is used. */
  readonly isFound: boolean;
  /** Proposals that overlap an object by more are left out; `sameObjectIou`, or less where proposals in use overlap less. */
  readonly mostOverlap?: number;
  readonly random: Random;
}

/** @param proposals boxes of the UPN, [P, 4] xyxy */
export function objectList(
  { objects }: Pick<Scene, 'objects'>,
  proposals: Float32Array,
  { jitter, isFound, mostOverlap = sameObjectIou, random }: ObjectListOptions,
): ObjectList {
  const count = proposals.length / 4;
  const boxOf = (p: number) => [...proposals.subarray(4 * p, 4 * p + 4)];
  const seen = objects.slice(0, maxObjects).map(({ boxXyxy }) => boxXyxy);
  const found = isFound ? bestProposals(seen, proposals) : new Map<number, number>();
  const truths = seen.map((box, t) => {
    const proposal = found.get(t);
    return proposal === undefined ? jittered(box, jitter, random) : boxOf(proposal);
  });
  const used = new Set(found.values());
  const overlap = iou(Float32Array.from(truths.flat()), proposals);
  const others = Array.from({ length: count }, (_, p) => p).filter(
    (p) => !used.has(p) && truths.every((_, t) => overlap[t * count + p] <= mostOverlap),
  );
  const kept = random.shuffle(others).slice(0, maxObjects - truths.length);
  const boxes = [
    ...truths.map((box, object) => ({ box, object })),
    ...kept.map((p) => ({ box: boxOf(p), object: -1 })),
  ];
  const shuffled = random.shuffle(boxes);
  return {
    boxesXyxy: Float32Array.from(shuffled.flatMap(({ box }) => box)),
    indexOf: new Map(shuffled.flatMap(({ object }, index) => (object < 0 ? [] : [[object, index] as const]))),
  };
}

/** Object -> the proposal that fits it best and no object before it, where one fits at all. */
function bestProposals(objects: readonly (readonly number[])[], proposals: Float32Array): Map<number, number> {
  const count = proposals.length / 4;
  const overlap = iou(Float32Array.from(objects.flat()), proposals);
  const pairs = Array.from(overlap, (value, i) => ({ value, object: Math.floor(i / count), proposal: i % count }));
  const best = new Map<number, number>();
  const used = new Set<number>();
  for (const { object, proposal } of pairs.filter(({ value }) => value >= foundIou).sort((a, b) => b.value - a.value)) {
    if (best.has(object) || used.has(proposal)) continue;
    best.set(object, proposal);
    used.add(proposal);
  }
  return best;
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
