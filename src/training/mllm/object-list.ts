/**
 * The list of boxes that a training image comes with (paper section 5): the annotated regions and proposals beside
 * them, at most 100, in random order. Proposals that are almost an object are dropped, since they would have two names.
 */

import { iou } from '../../boxes/overlap.ts';
import type { Region } from '../../datasets/sample.ts';
import { maxObjects } from '../../grounding/dialect.ts';
import type { ImageSize } from '../../image/rgb-image.ts';
import type { Random } from '../../random.ts';

export interface ObjectList {
  /** [K, 4] in pixels of the image. */
  readonly boxesXyxy: Float32Array;
  /** Region of the sample -> its place in the list. */
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
  /**
   * Proposals that overlap an object by more are left out; `sameObjectIou`, or less where proposals in use overlap
   * less.
   */
  readonly mostOverlap?: number;
  /** Regions that conversations name: they come first when there are more than a list holds. */
  readonly named?: ReadonlySet<number>;
  readonly random: Random;
}

/** @param proposals boxes of the UPN, [P, 4] xyxy */
export function objectList(
  regions: readonly Region[],
  proposals: Float32Array,
  { jitter, isFound, mostOverlap = sameObjectIou, named = new Set(), random }: ObjectListOptions,
): ObjectList {
  const count = proposals.length / 4;
  const boxOf = (p: number) => [...proposals.subarray(4 * p, 4 * p + 4)];
  const shown = chooseRegions(regions, named, random);
  const seen = shown.map((region) => regions[region].boxXyxy);
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
    ...truths.map((box, t) => ({ box, object: shown[t] })),
    ...kept.map((p) => ({ box: boxOf(p), object: -1 })),
  ];
  const shuffled = random.shuffle(boxes);
  return {
    boxesXyxy: Float32Array.from(shuffled.flatMap(({ box }) => box)),
    indexOf: new Map(shuffled.flatMap(({ object }, index) => (object < 0 ? [] : [[object, index] as const]))),
  };
}

/**
 * Indices of at most 100 regions, ascending: those that are named, then a random choice of the others; crowds never.
 */
function chooseRegions(regions: readonly Region[], named: ReadonlySet<number>, random: Random): number[] {
  const certain = [...regions.keys()].filter((region) => named.has(region) || !regions[region].isIgnored);
  if (certain.length <= maxObjects) return certain;
  const others = random.shuffle(certain.filter((region) => !named.has(region)));
  return [...named, ...others].slice(0, maxObjects).sort((a, b) => a - b);
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

/** Boxes in place of proposals before there is a proposal network: near misses of regions, and places anywhere. */
export function randomProposals(
  regions: readonly Region[],
  { width, height }: ImageSize,
  count: number,
  random: Random,
): Float32Array {
  const longest = Math.min(width, height);
  const side = () => random.logRange(0.05 * longest, 0.6 * longest);
  const boxes = Array.from({ length: count }, () => {
    if (regions.length > 0 && random.chance(0.7)) return jittered(random.pick(regions).boxXyxy, 0.35, random);
    const [boxWidth, boxHeight] = [side(), side()];
    const [x, y] = [random.range(0, width - boxWidth), random.range(0, height - boxHeight)];
    return [x, y, x + boxWidth, y + boxHeight];
  });
  return Float32Array.from(boxes.flat());
}
