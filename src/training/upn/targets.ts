/**
 * Which prediction answers for which object: one to one for the decoder, by the cheapest assignment (DETR's matcher
 * with costs 2, 5, 2), and a few to one for the encoder's tokens, by how well they score and fit (task-aligned
 * assignment, Feng et al., 2021), which teaches a backbone from the first step.
 */

import { cxcywhToXyxy } from '../../boxes/convert.ts';
import { generalizedIou, iou } from '../../boxes/overlap.ts';
import type { Granularity } from '../../proposals/network.ts';
import { type HostTensor, hostTensor } from '../../runtime/host-tensor.ts';
import { linearSumAssignment } from '../matcher.ts';
import type { Boxes, PromptTruth } from './batch.ts';
import type { DenoisingGroup } from './denoising.ts';
import { granularities, type UpnTrainingConfig } from './loss.ts';

/** Costs of the matcher (paper appendix B.1). */
const matchCosts = { class: 2, l1: 5, giou: 2 };

/** Tokens that may answer for one object, and how strongly score and overlap count among them. */
const tokensPerObject = 6;
const scoreExponent = 0.5;
const overlapExponent = 4;

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** What the decoder was asked about an image. */
export interface DecodedImage {
  /** Null where nothing is known about the prompt: the image then teaches the decoder nothing. */
  readonly truth: PromptTruth | null;
  readonly denoising: DenoisingGroup;
}

export interface UpnTruth {
  /** For the tokens of every image. */
  readonly truths: Readonly<Record<Granularity, readonly (PromptTruth | null)[]>>;
  /** Per image and token, 0 in padding. */
  readonly isValid: Uint8Array;
  /** For the decoder of every image. */
  readonly decoded: readonly DecodedImage[];
}

/** Feeds of the second half of a step. */
export function upnTargets(
  config: UpnTrainingConfig,
  predictions: Readonly<Record<string, HostTensor>>,
  { truths, isValid, decoded }: UpnTruth,
): Record<string, HostTensor> {
  const feeds = decoderTargets(config, predictions, decoded);
  const positives: Positive[] = [];
  const tokenBoxes = predictions.tokenBoxes as HostTensor<'float32'>;
  const corners = cxcywhToXyxy(tokenBoxes.data);
  for (const granularity of granularities) {
    const logits = predictions[`${granularity} tokenLogits`] as HostTensor<'float32'>;
    const targets = hostTensor('float32', logits.shape);
    const counted = hostTensor('float32', logits.shape);
    const [, tokens] = logits.shape;
    let total = 0;
    truths[granularity].forEach((truth, image) => {
      if (!truth) return;
      const [start, end] = [image * tokens, (image + 1) * tokens];
      const boxes = corners.subarray(start * 4, end * 4);
      const isBackground = mayBeBackground(boxes, truth);
      for (let token = 0; token < tokens; token++) {
        counted.data[start + token] = isValid[start + token] && isBackground(token) ? 1 : 0;
      }
      const { objects } = truth;
      for (const { token, object, quality } of alignTokens(boxes, logits.data.subarray(start, end), objects)) {
        if (!isValid[start + token]) continue;
        targets.data[start + token] = quality;
        counted.data[start + token] = 1;
        total += quality;
        positives.push({ index: start + token, box: objects.subarray(4 * object, 4 * object + 4), weight: quality });
      }
    });
    feeds[`${granularity} token targets`] = targets;
    feeds[`${granularity} tokens counted`] = counted;
    feeds[`${granularity} token weight`] = hostTensor('float32', [], [1 / Math.max(1, total)]);
  }
  return Object.assign(feeds, positiveFeeds(positives, config.maxPositiveTokens));
}

/** A prediction of which more than this lies in a region that is ignored is neither right nor wrong. */
const ignoredShare = 0.5;

/**
 * Which predictions that answer for no object are wrong: all where the annotations are complete, but those in ignored
 * regions; none where they are not.
 * @param corners of the predictions, xyxy
 */
function mayBeBackground(corners: Float32Array, { ignored, isComplete }: PromptTruth): (prediction: number) => boolean {
  if (!isComplete) return () => false;
  if (ignored.length === 0) return () => true;
  const regions = cxcywhToXyxy(ignored);
  return (prediction) => {
    const [x1, y1, x2, y2] = corners.subarray(4 * prediction, 4 * prediction + 4);
    const area = Math.max(0, x2 - x1) * Math.max(0, y2 - y1);
    for (let r = 0; r < regions.length; r += 4) {
      const width = Math.min(x2, regions[r + 2]) - Math.max(x1, regions[r]);
      const height = Math.min(y2, regions[r + 3]) - Math.max(y1, regions[r + 1]);
      if (width > 0 && height > 0 && width * height > ignoredShare * area) return false;
    }
    return true;
  };
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
      decoded.reduce((sum, { truth }) => sum + (truth?.objects.length ?? 0) / 4, 0),
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
      const { truth, denoising: group } = decoded[image];
      if (!truth) continue;
      const { objects } = truth;
      for (let query = 0; query < denoisingQueries; query++) {
        if (!group.isUsed[query]) continue;
        classWeights.data[start + query] = perNoised;
        const object = group.object[query];
        if (object >= 0) assign(start + query, objects.subarray(4 * object, 4 * object + 4), perNoised);
      }
      const first = start + denoisingQueries;
      const ownBoxes = boxes.data.subarray(4 * first, 4 * (start + count));
      const isBackground = mayBeBackground(cxcywhToXyxy(ownBoxes), truth);
      for (let query = first; query < start + count; query++) {
        classWeights.data[query] = isBackground(query - first) ? perObject : 0;
      }
      for (const [query, object] of matchObjects(logits.data.subarray(first, start + count), ownBoxes, objects)) {
        classWeights.data[first + query] = perObject;
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

/** Pairs of query and object with the least total cost; every object gets a query, as long as there are queries. */
export function matchObjects(logits: Float32Array, boxes: Float32Array, objects: Boxes): [number, number][] {
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
  /**
   * Target of the token's score, 0 to 1: its alignment relative to the best token of its object, times that one's IoU.
   */
  quality: number;
}

/** @param corners boxes of the tokens, xyxy; @param logits of the tokens */
function alignTokens(corners: Float32Array, logits: Float32Array, objects: Boxes): AlignedToken[] {
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
