/**
 * The losses of UPN training (paper appendix B.1): focal classification, L1 and GIoU on every decoder layer, for both
 * prompts, and on the encoder's proposals. Which prediction answers for which object is decided between the two halves
 * of a step, in `targets.ts`, and comes in as weights and targets.
 */

import type { ImageSize } from '../../image/rgb-image.ts';
import type { Scope } from '../../nn/scope.ts';
import type { UpnConfig } from '../../proposals/config.ts';
import { type Granularity, upnNetwork } from '../../proposals/network.ts';
import { abs } from '../../tensor/ops/abs.ts';
import { add } from '../../tensor/ops/add.ts';
import { concat } from '../../tensor/ops/concat.ts';
import { expand } from '../../tensor/ops/expand.ts';
import { gather } from '../../tensor/ops/gather.ts';
import { input } from '../../tensor/ops/input.ts';
import { multiply } from '../../tensor/ops/multiply.ts';
import { power } from '../../tensor/ops/power.ts';
import { reduceSum } from '../../tensor/ops/reduce-sum.ts';
import { reshape } from '../../tensor/ops/reshape.ts';
import { sigmoid } from '../../tensor/ops/sigmoid.ts';
import { slice } from '../../tensor/ops/slice.ts';
import { softplus } from '../../tensor/ops/softplus.ts';
import { subtract } from '../../tensor/ops/subtract.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { generalizedIou, l1Distance, sigmoidFocalLoss } from '../losses.ts';

export const granularities = ['fine', 'coarse'] as const satisfies readonly Granularity[];

/** Weights of the parts of the loss (paper appendix B.1). */
export const lossWeights = { classification: 1, l1: 5, giou: 2 } as const;

export interface UpnTrainingConfig {
  readonly upn: UpnConfig;
  readonly batchSize: number;
  /** Sizes of the canvases that images are put on, in pixels: one to three. Images keep their aspect ratio. */
  readonly canvases: readonly ImageSize[];
  /** Whether images may be smaller than their canvas; RexWorld's never are, and a network without a mask is quicker. */
  readonly isPadded: boolean;
  /** Queries made from noised boxes, for each image. */
  readonly denoisingQueries: number;
  /** Most tokens in a batch whose boxes are supervised directly. */
  readonly maxPositiveTokens: number;
}

export interface UpnTrainingGraph {
  readonly loss: Tensor;
  readonly metrics: Readonly<Record<string, Tensor>>;
  /**
   * What targets are chosen from: `logits` and `boxes` of all decoder layers, `tokenBoxes`, and `tokenLogits` per
   * prompt.
   */
  readonly predictions: Readonly<Record<string, Tensor>>;
}

/**
 * The graph of one batch on one of the configuration's canvases; its inputs are made by `step.ts` and `targets.ts`. The
 * tokens of every image are scored for both prompts; its decoder works for one of them, drawn at every step, which
 * halves the most expensive part.
 */
export function upnTrainingGraph(scope: Scope, config: UpnTrainingConfig, canvas = 0): UpnTrainingGraph {
  const { upn, batchSize, denoisingQueries, isPadded } = config;
  const { width, height } = config.canvases[canvas];
  const network = upnNetwork(scope, upn);
  const pixels = input('pixels', 'float32', [batchSize, 3, height, width]);
  const encoded = network.encode(pixels, isPadded ? input('padding', 'bool', [batchSize, height, width]) : null);
  const tokenBoxes = network.tokenBoxes(encoded);
  const isCoarse = input('is coarse', 'float32', [batchSize, 1, 1]);
  const [fine, coarse] = granularities.map((granularity) => network.prompt(granularity));
  const prompt = add(multiply(fine, subtract(1, isCoarse)), multiply(coarse, isCoarse));
  const selection = network.select(encoded, prompt);
  const selected = selection.boxesUnsigmoid.shape[1] as number;
  const count = denoisingQueries + selected;
  const noisedContent = scope.parameter('denoising.content', [1, 1, upn.hiddenSize], { kind: 'normal', deviation: 1 });
  const { logits, boxesCxcywhNormalized } = network.decode(encoded, {
    content: concat(
      [expand(noisedContent, [batchSize, denoisingQueries, upn.hiddenSize]), network.content(batchSize, selected)],
      1,
    ),
    boxesUnsigmoid: concat(
      [input('noised boxes', 'float32', [batchSize, denoisingQueries, 4]), selection.boxesUnsigmoid],
      1,
    ),
    prompts: prompt,
    attentionMask: input('attention mask', 'float32', [batchSize, 1, count, count]),
  });
  const stack = (tensors: readonly Tensor[]) =>
    concat(
      tensors.map((tensor) => reshape(tensor, [1, ...tensor.shape])),
      0,
    );
  const allLogits = reshape(stack(logits), [logits.length, batchSize, count]);
  const allBoxes = stack(boxesCxcywhNormalized);
  const tokenLogits = {
    'fine tokenLogits': network.select(encoded, fine).tokenLogits,
    'coarse tokenLogits': network.select(encoded, coarse).tokenLogits,
  };
  const parts = {
    ...decoderLoss(allLogits, allBoxes),
    tokens: granularities.map((name) => tokenLoss(name, tokenLogits[`${name} tokenLogits`])).reduce(add),
    tokenBoxes: tokenBoxLoss(tokenBoxes, config.maxPositiveTokens),
  };
  const loss = [
    multiply(parts.classification, lossWeights.classification),
    multiply(parts.l1, lossWeights.l1),
    multiply(parts.giou, lossWeights.giou),
    parts.tokens,
    parts.tokenBoxes,
  ].reduce(add);
  return { loss, metrics: parts, predictions: { logits: allLogits, boxes: allBoxes, tokenBoxes, ...tokenLogits } };
}

/** @param logits [layers, B, N]; @param boxes [layers, B, N, 4] */
function decoderLoss(logits: Tensor, boxes: Tensor) {
  const isObject = input('is object', 'float32', logits.shape);
  const classWeights = input('class weights', 'float32', logits.shape);
  const boxWeights = input('box weights', 'float32', logits.shape);
  const target = input('target boxes', 'float32', boxes.shape);
  const giou = generalizedIou(cornersOf(boxes), cornersOf(target));
  return {
    classification: reduceSum(multiply(sigmoidFocalLoss(logits, isObject), classWeights)),
    l1: reduceSum(multiply(l1Distance(boxes, target), boxWeights)),
    giou: reduceSum(multiply(subtract(1, giou), boxWeights)),
  };
}

/** Quality focal loss (Li et al., 2020): every token is asked how well its box fits; targets are shares of one. */
function tokenLoss(granularity: Granularity, logits: Tensor): Tensor {
  const target = input(`${granularity} token targets`, 'float32', logits.shape);
  // 0 for tokens in padding, in regions that are ignored, and where the annotations do not promise background.
  const counted = input(`${granularity} tokens counted`, 'float32', logits.shape);
  const normalizer = input(`${granularity} token weight`, 'float32', []);
  const entropy = subtract(softplus(logits), multiply(logits, target));
  const surprise = power(abs(subtract(target, sigmoid(logits))), 2);
  return multiply(reduceSum(multiply(multiply(entropy, surprise), counted)), normalizer);
}

function tokenBoxLoss(tokenBoxes: Tensor, count: number): Tensor {
  const [batch, tokens] = tokenBoxes.shape as [number, number];
  const indices = input('positive tokens', 'int64', [count]);
  const target = input('positive boxes', 'float32', [count, 4]);
  const weights = input('positive weights', 'float32', [count]);
  const picked = gather(reshape(tokenBoxes, [batch * tokens, 4]), indices, { axis: 0 });
  const giou = generalizedIou(cornersOf(picked), cornersOf(target));
  const distances = add(
    multiply(l1Distance(picked, target), lossWeights.l1),
    multiply(subtract(1, giou), lossWeights.giou),
  );
  return reduceSum(multiply(distances, weights));
}

/** [..., 4] centre and size -> corners */
function cornersOf(boxes: Tensor): Tensor {
  const centre = slice(boxes, { axis: -1, end: 2 });
  const half = multiply(slice(boxes, { axis: -1, start: 2 }), 0.5);
  return concat([subtract(centre, half), add(centre, half)], -1);
}
