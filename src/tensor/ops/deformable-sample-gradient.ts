/**
 * The gradient of deformable sampling, in ordinary ops: rows of channels gathered at the four corners of every sample.
 */

import { type Dim, multiplyDims } from '../dimension.ts';
import type { Tensor } from '../tensor.ts';
import { add } from './add.ts';
import { and } from './and.ts';
import { cast } from './cast.ts';
import { clip } from './clip.ts';
import { concat } from './concat.ts';
import { constant } from './constant.ts';
import { cumulativeSum } from './cumulative-sum.ts';
import { equal } from './equal.ts';
import { expand } from './expand.ts';
import { floor } from './floor.ts';
import { gather } from './gather.ts';
import { multiply } from './multiply.ts';
import { reduceSum } from './reduce-sum.ts';
import { reshape } from './reshape.ts';
import { scatterAdd } from './scatter-add.ts';
import { slice } from './slice.ts';
import { subtract } from './subtract.ts';
import { transpose } from './transpose.ts';

/** Gradients in the order of the op's inputs: positions, weights, maps. Shapes as in `deformableSample`. */
export function sampleGradients(maps: readonly Tensor[], positions: Tensor, weights: Tensor, dy: Tensor): Tensor[] {
  const [batch, groups, , points, , queries] = positions.shape as [Dim, number, number, number, number, number];
  const heads = multiplyDims(batch, groups);
  const channels = (maps[0].shape[1] as number) / groups;
  // [N, C, Q] -> [N*G, 1, Q, C/G]
  const dyRows = reshape(transpose(reshape(dy, [heads, channels, queries]), [0, 2, 1]), [heads, 1, queries, channels]);
  const levels = maps.map((map, level) => {
    const ofLevel = (x: Tensor, shape: Dim[]) => reshape(slice(x, { axis: 2, start: level, end: level + 1 }), shape);
    const places = ofLevel(positions, [heads, points, 2, queries]);
    const [y, x] = [0, 1].map((axis) =>
      reshape(slice(places, { axis: 2, start: axis, end: axis + 1 }), [heads, points, queries]),
    );
    return levelGradients(map, { y, x, weight: ofLevel(weights, [heads, points, queries]), dyRows });
  });
  const stack = (parts: Tensor[], shape: Dim[]) =>
    concat(
      parts.map((part) => reshape(part, shape)),
      2,
    );
  return [
    stack(
      levels.map(({ positions: gradient }) => gradient),
      [batch, groups, 1, points, 2, queries],
    ),
    stack(
      levels.map(({ weights: gradient }) => gradient),
      [batch, groups, 1, points, queries],
    ),
    ...levels.map(({ map }) => map),
  ];
}

interface LevelSamples {
  /** Each [N*G, P, Q]. */
  readonly y: Tensor;
  readonly x: Tensor;
  readonly weight: Tensor;
  /** [N*G, 1, Q, C/G] */
  readonly dyRows: Tensor;
}

function levelGradients(map: Tensor, { y, x, weight, dyRows }: LevelSamples) {
  const [height, width] = map.shape.slice(2) as number[];
  const [heads, points, queries] = y.shape as [Dim, number, number];
  const channels = dyRows.shape[3] as number;
  const pixels = height * width;
  // [N, C, H, W] -> [N*G*H*W, C/G]: one row per pixel and head
  const rowsOfHeads = transpose(reshape(map, [heads, channels, pixels]), [0, 2, 1]);
  const rows = reshape(rowsOfHeads, [multiplyDims(heads, pixels), channels]);
  const [top, left] = [floor(y), floor(x)];
  const [low, high] = [subtract(y, top), subtract(x, left)];
  let [dWeight, dY, dX, dRows]: (Tensor | undefined)[] = [];
  for (const [down, right] of corners) {
    const [row, column] = [add(top, down), add(left, right)];
    const index = add(cast(pixelIndex(row, column, height, width), 'int64'), firstRowOfHead(heads, pixels));
    const inside = cast(and(within(row, height), within(column, width)), 'float32');
    const [alongY, alongX] = [down ? low : subtract(1, low), right ? high : subtract(1, high)];
    // What the gradient of the output says about this corner's value: [N*G, P, Q]
    const dot = multiply(reduceSum(multiply(gather(rows, index, { axis: 0 }), dyRows), { axes: [-1] }), inside);
    const sum = (total: Tensor | undefined, part: Tensor) => (total ? add(total, part) : part);
    dWeight = sum(dWeight, multiply(multiply(alongY, alongX), dot));
    dY = sum(dY, multiply(multiply(alongX, down ? 1 : -1), dot));
    dX = sum(dX, multiply(multiply(alongY, right ? 1 : -1), dot));
    const share = multiply(multiply(weight, inside), multiply(alongY, alongX));
    const updates = multiply(reshape(share, [heads, points, queries, 1]), dyRows);
    const flat = multiplyDims(heads, points * queries);
    const scattered = scatterAdd(reshape(updates, [flat, channels]), reshape(index, [flat]), {
      axis: 0,
      size: multiplyDims(heads, pixels),
    });
    dRows = sum(dRows, scattered);
  }
  const [gradientWeight, gradientY, gradientX, gradientRows] = [dWeight, dY, dX, dRows] as Tensor[];
  const asAxis = (gradient: Tensor) => reshape(multiply(gradient, weight), [heads, points, 1, queries]);
  return {
    weights: gradientWeight,
    positions: concat([asAxis(gradientY), asAxis(gradientX)], 2),
    map: reshape(transpose(reshape(gradientRows, [heads, pixels, channels]), [0, 2, 1]), map.shape),
  };
}

const corners = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
] as const;

/** Which of a map's pixels, with places outside moved to its border. */
const pixelIndex = (row: Tensor, column: Tensor, height: number, width: number): Tensor =>
  add(multiply(clip(row, { min: 0, max: height - 1 }), width), clip(column, { min: 0, max: width - 1 }));

/** Whether whole numbers lie in 0..size-1. */
const within = (whole: Tensor, size: number): Tensor => equal(whole, clip(whole, { min: 0, max: size - 1 }));

/** int64 [N*G, 1, 1]: where the rows of each head begin. */
function firstRowOfHead(heads: Dim, pixels: number): Tensor {
  const steps = expand(constant('int64', [1], [pixels]), [heads]);
  return reshape(cumulativeSum(steps, { axis: 0, isExclusive: true }), [heads, 1, 1]);
}
