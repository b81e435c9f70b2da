/**
 * The inputs of the object encoder, computed in the graph from boxes: for models that leave our code. Within it they
 * are computed beforehand (`objectFeeds`), which costs less.
 */

import type { ObjectInputs } from '../objects/object-encoder.ts';
import { roiOutputSize } from '../objects/object-encoder.ts';
import { add } from '../tensor/ops/add.ts';
import { concat } from '../tensor/ops/concat.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { reduceMean } from '../tensor/ops/reduce-mean.ts';
import { roiWeights } from '../tensor/ops/roi-weights.ts';
import { slice } from '../tensor/ops/slice.ts';
import { subtract } from '../tensor/ops/subtract.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { mapStrides } from '../vision/map-encoder.ts';
import { type ChatRexConfig, finestMapSize } from './config.ts';

/** @param boxesXyxy float32 [B, K, 4] in pixels of the model's square input */
export function objectsOfBoxes(boxesXyxy: Tensor, config: ChatRexConfig): ObjectInputs {
  const side = finestMapSize(config);
  const { vertical, horizontal } = roiWeights(boxesXyxy, [side, side], {
    outputSize: roiOutputSize,
    samplingRatio: -1,
    spatialScale: 1 / mapStrides(config.high)[0],
    aligned: false,
  });
  // [B, K, bins, side] -> [B, K, side]
  const [rows, columns] = [vertical, horizontal].map((weights) => reduceMean(weights, { axes: [2] }));
  const shares = multiply(boxesXyxy, 1 / config.imageSize);
  const [low, high] = [slice(shares, { axis: 2, end: 2 }), slice(shares, { axis: 2, start: 2 })];
  const centres = multiply(add(low, high), 0.5);
  return { rows, columns, boxesCxcywhNormalized: concat([centres, subtract(high, low)], 2) };
}
