/** Images read at arbitrary places by bilinear interpolation; PyTorch's `grid_sample` with the same options. */

import { type Dim, multiplyDims } from '../dimension.ts';
import { generate, type NdArray } from '../nd-array.ts';
import { requireRank, requireSameDType, staticDim } from '../shape.ts';
import type { DifferentiableOp, GradientContext } from '../tensor.ts';
import { apply, misfit, type Tensor } from '../tensor.ts';
import { add } from './add.ts';
import { and } from './and.ts';
import { cast } from './cast.ts';
import { clip } from './clip.ts';
import { concat } from './concat.ts';
import { equal } from './equal.ts';
import { floor } from './floor.ts';
import { gather } from './gather.ts';
import { greaterOrEqual } from './greater-or-equal.ts';
import { lessOrEqual } from './less-or-equal.ts';
import { multiply } from './multiply.ts';
import { negate } from './negate.ts';
import { range } from './range.ts';
import { reduceSum } from './reduce-sum.ts';
import { reshape } from './reshape.ts';
import { scatterAdd } from './scatter-add.ts';
import { slice } from './slice.ts';
import { subtract } from './subtract.ts';
import { transpose } from './transpose.ts';

export interface GridSampleAttributes {
  /** What lies outside of the image: zeros, or its nearest edge. */
  readonly paddingMode: 'zeros' | 'border';
  /** Whether -1 and 1 are the centres of the corner pixels, or the outer edges of the image. */
  readonly alignCorners: boolean;
}

/**
 * x [N, C, H, W], grid [N, Ho, Wo, 2] of (x, y) in -1..1 -> [N, C, Ho, Wo].
 * The gradients need H, W, Ho and Wo to be static.
 */
export const gridSample = (
  x: Tensor,
  grid: Tensor,
  { paddingMode = 'zeros', alignCorners = false }: Partial<GridSampleAttributes> = {},
): Tensor => apply(gridSampleOp, [x, grid], { paddingMode, alignCorners });

export const gridSampleOp: DifferentiableOp<GridSampleAttributes> = {
  name: 'GridSample',
  infer: ([x, grid]) => {
    requireRank(x, 4);
    requireRank(grid, 4, 'grid');
    if (grid.shape[3] !== 2) throw misfit('the last axis of the grid must be (x, y)');
    if (grid.shape[0] !== x.shape[0]) throw misfit('x and grid must have one batch size');
    const dtype = requireSameDType(x, grid);
    return [{ dtype, shape: [x.shape[0], x.shape[1], grid.shape[1], grid.shape[2]] }];
  },
  emit: ({ onnx, inputs, outputs, attributes: { paddingMode, alignCorners } }) =>
    onnx.node('GridSample', inputs, outputs, {
      attributes: { mode: 'linear', padding_mode: paddingMode, align_corners: Number(alignCorners) },
    }),
  gradient: (context) => {
    const [x, grid] = context.inputs;
    const [n, c, height, width] = x.shape;
    const area = multiplyDims(height, width);
    const points = multiplyDims(grid.shape[1], grid.shape[2]);
    // Rows of channels, so that a corner of a sample is one row.
    const toRows = (t: Tensor, rows: Dim) => transpose(reshape(t, [n, c, rows]), [0, 2, 1]);
    const dy = toRows(context.outputGradients[0] as Tensor, points);
    const { corners, slope } = cornersOf(context);

    const updates = concat(
      corners.map(({ weight }) => multiply(dy, reshape(weight, [n, points, 1]))),
      1,
    );
    const indices = concat(
      corners.map(({ row }) => row),
      1,
    );
    const allRows = multiplyDims(n, area);
    const flat = scatterAdd(reshape(updates, [-1, c]), reshape(indices, [-1]), { axis: 0, size: allRows });
    const dx = reshape(transpose(reshape(flat, [n, area, c]), [0, 2, 1]), x.shape);

    const rowsOfX = reshape(toRows(x, area), [allRows, c]);
    const products = corners.map(({ row }) =>
      reduceSum(multiply(dy, gather(rowsOfX, row, { axis: 0 })), { axes: [2] }),
    );
    const along = (axis: 'weightByX' | 'weightByY', i: number) =>
      multiply(
        corners.map((corner, k) => multiply(products[k], corner[axis])).reduce((a, b) => add(a, b)),
        slope[i],
      );
    const dGrid = concat(
      [along('weightByX', 0), along('weightByY', 1)].map((t) => reshape(t, [...grid.shape.slice(0, 3), 1])),
      3,
    );
    return [dx, dGrid];
  },
  reference: ([x, grid], attributes) => [sampleNd(x, grid, attributes)],
};

interface Corner {
  /** Row of the pixel among those of the whole batch, int64 [N, points]; some row where there is no pixel. */
  row: Tensor;
  /** Its share in the sample [N, points], and the derivatives of the share by the pixel coordinates x and y. */
  weight: Tensor;
  weightByX: Tensor;
  weightByY: Tensor;
}

/** The four pixels around every point, and the derivative of pixel coordinates by grid coordinates. */
function cornersOf({ inputs: [x, grid], attributes }: GradientContext<GridSampleAttributes>) {
  const [n, , ...sizes] = x.shape;
  const height = staticDim(sizes[0], 'the height of x');
  const width = staticDim(sizes[1], 'the width of x');
  const points = multiplyDims(grid.shape[1], grid.shape[2]);
  const [px, py] = [width, height].map((size, i) => {
    const coordinate = reshape(slice(grid, { axis: 3, start: i, end: i + 1 }), [n, points]);
    return pixelAxis(coordinate, size, attributes);
  });
  const firstRow = multiply(reshape(range(n), [n, 1]), height * width);
  const corners = py.ends.flatMap((vertical) =>
    px.ends.map(
      (horizontal): Corner => ({
        row: add(firstRow, add(multiply(vertical.index, width), horizontal.index)),
        weight: multiply(vertical.weight, horizontal.weight),
        weightByX: multiply(vertical.weight, horizontal.weightByPlace),
        weightByY: multiply(vertical.weightByPlace, horizontal.weight),
      }),
    ),
  );
  return { corners, slope: [px.slope, py.slope] };
}

/** One axis of the points: the pixels before and behind each of them, with shares that vanish outside of the image. */
function pixelAxis(coordinate: Tensor, size: number, { paddingMode, alignCorners }: GridSampleAttributes) {
  const scale = alignCorners ? (size - 1) / 2 : size / 2;
  const free = add(multiply(coordinate, scale), (size - 1) / 2);
  const place = paddingMode === 'border' ? clip(free, { min: 0, max: size - 1 }) : free;
  const slope = paddingMode === 'border' ? multiply(cast(equal(free, place), free.dtype), scale) : scale;
  const first = floor(place);
  const rest = subtract(place, first);
  const end = (pixel: Tensor, share: Tensor, direction: number) => {
    const inside = cast(and(greaterOrEqual(pixel, 0), lessOrEqual(pixel, size - 1)), pixel.dtype);
    return {
      index: cast(clip(pixel, { min: 0, max: size - 1 }), 'int64'),
      weight: multiply(share, inside),
      weightByPlace: direction > 0 ? inside : negate(inside),
    };
  };
  return { ends: [end(first, subtract(1, rest), -1), end(add(first, 1), rest, 1)], slope };
}

function sampleNd(x: NdArray, grid: NdArray, { paddingMode, alignCorners }: GridSampleAttributes): NdArray {
  const [n, c, height, width] = x.shape;
  const [, rows, columns] = grid.shape;
  const toPixels = (value: number, size: number) => {
    const place = alignCorners ? ((value + 1) / 2) * (size - 1) : ((value + 1) * size - 1) / 2;
    return paddingMode === 'border' ? Math.min(Math.max(place, 0), size - 1) : place;
  };
  return generate([n, c, rows, columns], ([image, channel, row, column]) => {
    const point = ((image * rows + row) * columns + column) * 2;
    const [px, py] = [toPixels(grid.data[point], width), toPixels(grid.data[point + 1], height)];
    const [left, top] = [Math.floor(px), Math.floor(py)];
    let sum = 0;
    for (const y of [top, top + 1]) {
      for (const z of [left, left + 1]) {
        if (y < 0 || y >= height || z < 0 || z >= width) continue;
        const share = (1 - Math.abs(px - z)) * (1 - Math.abs(py - y));
        sum += share * x.data[((image * c + channel) * height + y) * width + z];
      }
    }
    return sum;
  });
}
