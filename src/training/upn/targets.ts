/**
 * Which prediction answers for which object: one to one for the decoder, by the cheapest assignment (DETR's matcher with
 * costs 2, 5, 2), and a few to one for the encoder's tokens, by how well they score and fit (task-aligned assignment,
 * Feng et al., 2021), which teaches a backbone from the first step.
 */

import { cxcywhToXyxy } from '../../boxes/convert.ts';
import { generalizedIou, iou } from '../../boxes/overlap.ts';
import type { Granularity } from '../../proposals/network.ts';
import { type HostTensor, hostTensor } from '../../runtime/host-tensor.ts';
import { linearSumAssignment } from '../matcher.ts';
import type { DenoisingGroup } from './denoising.ts';
import { granularities, type UpnTrainingConfig } from './loss.ts';

/** Objects of an image, [K, 4] centre and size as shares of it. */
export type Objects = Float32Array;

/** Costs of the matcher (paper appendix B.1). */
const matchCosts = { class: 2, l1: 5, giou: 2 };

/** Tokens that may answer for one object, and how strongly score and overlap count among them. */
const tokensPerObject = 6;
const scoreExponent = 0.5;
const overlapExponent = 4;

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** What the decoder was asked about an image. */
export interface DecodedImage {
  readonly objects: Objects;
  readonly denoising: DenoisingGroup;
}

/** Feeds of the second half of a step: `objects` for the tokens of every image, `decoded` for its decoder. */
export function upnTargets(
  config: UpnTrainingConfig,
  predictions: Readonly<Record<string, HostTensor>>,
  objects: Readonly<Record<Granularity, readonly Objects[]>>,
  decoded: readonly DecodedImage[],
): Record<string, HostTensor> {
  const feeds = decoderTargets(config, predictions, decoded);
  const positives: Positive[] = [];
  const tokenBoxes = predictions.tokenBoxes as HostTensor<'float32'>;
  const corners = cxcywhToXyxy(tokenBoxes.data);
  for (const granularity of granularities) {
    const logits = predictions[`${granularity} tokenLogits`] as HostTensor<'float32'>;
    const targets = hostTensor('float32', logits.shape);
    const [, tokens] = logits.shape;
    let total = 0;
    objects[granularity].forEach((boxes, image) => {
      const range = [image * tokens, (image + 1) * tokens] as const;
      for (const { token, object, quality } of alignTokens(
        corners.subarray(range[0] * 4, range[1] * 4),
        logits.data.subarray(...range),
        boxes,
      )) {
        targets.data[range[0] + token] = quality;
        total += quality;
        positives.push({ index: range[0] + token, box: boxes.subarray(4 * object, 4 * object + 4), weight: quality });
      }
    });
    feeds[`${granularity} token targets`] = targets;
    feeds[`${granularity} token weight`] = hostTensor('float32', [], [1 / Math.max(1, total)]);
  }
  return Object.assign(feeds, positiveFeeds(positives, config.maxPositiveTokens));
}

interface Positive {
  index: number;
  box: Float32Array;
  weight: number;
}

function positiveFeeds(positives: Positive[], count: number): Record<string, HostTensor> {
  const kept = positives.toSorted((a, b) => b.weight - a.weight).slice(0, count);
  const total = Math.max(
    1,
    kept.reduce((sum, { weight }) => sum + weight, 0),
  );
  const indices = hostTensor('int64', [count]);
  // Boxes that nothing answers for are some box of positive size, with weight 0.
  const boxes = hostTensor('float32', [count, 4], new Float32Array(count * 4).fill(0.5));
  const weights = hostTensor('float32', [count]);
  kept.forEach(({ index, box, weight }, i) => {
    indices.data[i] = BigInt(index);
    boxes.data.set(box, 4 * i);
    weights.data[i] = weight / total;
  });
  return { 'positive tokens': indices, 'positive boxes': boxes, 'positive weights': weights };
}

function decoderTargets(
  { denoisingQueries }: UpnTrainingConfig,
  predictions: Readonly<Record<string, HostTensor>>,
  decoded: readonly DecodedImage[],
): Record<string, HostTensor> {
  const logits = predictions.logits as HostTensor<'float32'>;
  const boxes = predictions.boxes as HostTensor<'float32'>;
  const [layers, batch, count] = logits.shape;
  const isObject = hostTensor('float32', logits.shape);
  const classWeights = hostTensor('float32', logits.shape);
  const boxWeights = hostTensor('float32', logits.shape);
  const targets = hostTensor('float32', boxes.shape, new Float32Array(boxes.data.length).fill(0.5));
  const perObject =
    1 /
    Math.max(
      1,
      decoded.reduce((sum, { objects }) => sum + objects.length / 4, 0),
    );
  const perNoised =
    1 /
    Math.max(
      1,
      decoded.reduce((sum, { denoising }) => sum + denoising.positives, 0),
    );
  const assign = (at: number, box: ArrayLike<number>, weight: number) => {
    isObject.data[at] = 1;
    boxWeights.data[at] = weight;
    targets.data.set(box, 4 * at);
  };
  for (let layer = 0; layer < layers; layer++) {
    for (let image = 0; image < batch; image++) {
      const start = (layer * batch + image) * count;
      const { objects, denoising: group } = decoded[image];
      for (let query = 0; query < denoisingQueries; query++) {
        if (!group.isUsed[query]) continue;
        classWeights.data[start + query] = perNoised;
        const object = group.object[query];
        if (object >= 0) assign(start + query, objects.subarray(4 * object, 4 * object + 4), perNoised);
      }
      const first = start + denoisingQueries;
      classWeights.data.fill(perObject, first, start + count);
      const pairs = matchObjects(
        logits.data.subarray(first, start + count),
        boxes.data.subarray(4 * first, 4 * (start + count)),
        objects,
      );
      for (const [query, object] of pairs) {
        assign(first + query, objects.subarray(4 * object, 4 * object + 4), perObject);
      }
    }
  }
  return {
    'is object': isObject,
    'class weights': classWeights,
    'box weights': boxWeights,
    'target boxes': targets,
  };
}

/** Pairs of query and object with the least total cost; every object gets a query. */
export function matchObjects(logits: Float32Array, boxes: Float32Array, objects: Objects): [number, number][] {
  const [queries, count] = [logits.length, objects.length / 4];
  if (count === 0) return [];
  const overlap = generalizedIou(cxcywhToXyxy(boxes), cxcywhToXyxy(objects));
  const cost = new Float64Array(queries * count);
  for (let query = 0; query < queries; query++) {
    const classCost = focalCost(sigmoid(logits[query]));
    for (let object = 0; object < count; object++) {
      let distance = 0;
      for (let i = 0; i < 4; i++) distance += Math.abs(boxes[4 * query + i] - objects[4 * object + i]);
      cost[query * count + object] =
        matchCosts.class * classCost + matchCosts.l1 * distance - matchCosts.giou * overlap[query * count + object];
    }
  }
  const { rows, columns } = linearSumAssignment(cost, queries, count);
  return Array.from(rows, (query, i) => [query, columns[i]]);
}

/** What focal loss would gain by calling this query an object rather than background. */
function focalCost(probability: number): number {
  const p = Math.min(Math.max(probability, 1e-8), 1 - 1e-8);
  return 0.25 * (1 - p) ** 2 * -Math.log(p) - 0.75 * p ** 2 * -Math.log(1 - p);
}

interface AlignedToken {
  token: number;
  object: number;
  /** Target of the token's score, 0 to 1: its alignment relative to the best token of its object, times that one's IoU. */
  quality: number;
}

/** @param corners boxes of the tokens, xyxy; @param logits of the tokens */
function alignTokens(corners: Float32Array, logits: Float32Array, objects: Objects): AlignedToken[] {
  const count = objects.length / 4;
  const tokens = logits.length;
  const overlap = iou(cxcywhToXyxy(objects), corners);
  const best = new Map<number, AlignedToken & { overlap: number }>();
  for (let object = 0; object < count; object++) {
    const candidates: { token: number; alignment: number; overlap: number }[] = [];
    for (let token = 0; token < tokens; token++) {
      const shared = overlap[object * tokens + token];
      if (shared < 0.05) continue;
      const alignment = sigmoid(logits[token]) ** scoreExponent * shared ** overlapExponent;
      candidates.push({ token, alignment, overlap: shared });
    }
    candidates.sort((a, b) => b.alignment - a.alignment);
    const top = candidates.slice(0, tokensPerObject);
    const scale = Math.max(...top.map((one) => one.overlap)) / (top[0]?.alignment ?? 1);
    for (const { token, alignment, overlap: shared } of top) {
      const earlier = best.get(token);
      if (earlier && earlier.overlap >= shared) continue;
      best.set(token, { token, object, quality: alignment * scale, overlap: shared });
    }
  }
  return [...best.values()];
}
