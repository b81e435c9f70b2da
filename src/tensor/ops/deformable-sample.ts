/**
 * Weighted sums of bilinear samples from several feature maps: the heart of deformable attention (Zhu et al., 2021).
 *
 * Agrees with `ms_deform_attn` of Deformable DETR. Emitted as one DeformConv per map and stretch of queries: a
 * depthwise kernel of ones over the sampling points, whose mask holds the attention weights and whose offsets lead from
 * the grid that the convolution walks to the places to sample. It plans every sample once for all channels of a head
 * and never holds the samples themselves, which is three times as fast as GridSample followed by a weighted sum (see
 * docs/log.md).
 */

import { isStatic } from '../dimension.ts';
import { generate, type NdArray, ndArray } from '../nd-array.ts';
import type { OnnxWriter } from '../onnx-writer.ts';
import { requireDType, requireRank, staticDim } from '../shape.ts';
import type { DifferentiableOp, EmitContext } from '../tensor.ts';
import { apply, misfit, type Tensor } from '../tensor.ts';
import { sampleGradients } from './deformable-sample-gradient.ts';

/** Queries are sampled in grids this wide, so that grid coordinates stay small and lose no precision. */
const gridWidth = 64;
/**
 * Rows of such grids per stretch: the samples of one stretch (channels x points x queries) should stay in the cache.
 */
const gridRows = 128;
/** As many queries as one stretch has. */
export const queriesAtOnce = gridWidth * gridRows;

/**
 * out[n, c, q] = sum over maps l and points p of weights[n, g, l, p, q] * (map l, channel c at positions[n, g, l, p, :,
 * q]), where g is the group of consecutive channels that c belongs to. Outside the maps there are zeros.
 *
 * @param maps each [N, C, H, W] of its own static H and W
 * @param positions [N, G, maps, P, 2, Q]: y and x in pixels of the map, pixel centres at whole numbers; P, Q static
 * @param weights [N, G, maps, P, Q]
 * @returns [N, C, Q]
 */
export const deformableSample = (maps: readonly Tensor[], positions: Tensor, weights: Tensor): Tensor =>
  apply(deformableSampleOp, [positions, weights, ...maps], null);

export const deformableSampleOp: DifferentiableOp<null> = {
  name: 'DeformableSample',
  infer: ([positions, weights, ...maps]) => {
    requireDType(positions, ['float32'], 'positions');
    requireRank(positions, 6, 'positions');
    const [batch, groups, levels, points, two, queries] = positions.shape;
    if (two !== 2 || levels !== maps.length) throw misfit(`positions must be [N, G, ${maps.length}, P, 2, Q]`);
    if (String(weights.shape) !== String([batch, groups, levels, points, queries])) {
      throw misfit('weights must be [N, G, maps, P, Q] as positions are');
    }
    const channels = staticDim(maps[0].shape[1], 'the number of channels');
    if (channels % staticDim(groups, 'the number of groups') !== 0) throw misfit('channels must divide into groups');
    for (const { shape } of maps) {
      if (
        shape.length !== 4 ||
        shape[0] !== batch ||
        shape[1] !== channels ||
        !isStatic(shape[2]) ||
        !isStatic(shape[3])
      )
        throw misfit(`every map must be [${batch}, ${channels}, H, W]`);
    }
    return [{ dtype: 'float32', shape: [batch, channels, staticDim(queries, 'the number of queries')] }];
  },
  emit,
  gradient: ({ inputs: [positions, weights, ...maps], outputGradients: [dy] }) =>
    sampleGradients(maps, positions, weights, dy as Tensor),
  reference: ([positions, weights, ...maps], _, [{ shape }]) => [
    generate(shape as number[], ([n, c, q]) => sampleReference(maps, positions, weights, n, c, q)),
  ],
};

/** A stretch of queries seen as a grid. */
interface QueryGrid {
  readonly start: number;
  readonly rows: number;
  readonly columns: number;
}

/** All queries as grids of at most gridRows x gridWidth; what does not fill a row becomes a short last row. */
function queryGrids(queries: number): QueryGrid[] {
  const grids: QueryGrid[] = [];
  for (let start = 0; start < queries; ) {
    const rows = Math.min(gridRows, Math.max(1, Math.floor((queries - start) / gridWidth)));
    const columns = Math.min(gridWidth, queries - start);
    grids.push({ start, rows, columns });
    start += rows * columns;
  }
  return grids;
}

function emit({ onnx, inputs, outputs, inputTypes }: EmitContext<null>): void {
  const [positions, weights, ...maps] = inputs;
  const [, groups, , points, , queries] = inputTypes[0].shape as number[];
  const channels = inputTypes[2].shape[1] as number;
  const ones = onnx.constant('float32', [channels, 1, 1, points], new Float32Array(channels * points).fill(1));
  const walkOver = (level: number, grid: QueryGrid) => {
    const [height, width] = inputTypes[2 + level].shape.slice(2) as number[];
    const walk = gridWalk(height, width, points, grid);
    // Most stretches of all layers have the same grid: its table of places is stored once per level.
    const key = `places ${points} ${grid.rows} ${grid.columns} ${walk.strides}`;
    const base = onnx.once(key, () =>
      onnx.constant('float32', [1, 1, 1, points, 2, grid.rows * grid.columns], places(points, grid, walk)),
    );
    return { walk, base };
  };
  const stretches = queryGrids(queries).map((grid) => {
    const sums = maps.map((map, level) => {
      const { walk, base } = walkOver(level, grid);
      const part = (tensor: string, axis: number): string => {
        const bounds = [
          [level, grid.start],
          [level + 1, grid.start + grid.rows * grid.columns],
          [2, axis],
        ];
        return onnx.value('Slice', [tensor, ...bounds.map((values) => onnx.integers(values))]);
      };
      const places = onnx.value('Sub', [part(positions, 5), base]);
      const asImage = (tensor: string, planes: number): string =>
        onnx.value('Reshape', [tensor, onnx.integers([-1, planes, grid.rows, grid.columns])]);
      const offsets = asImage(places, groups * points * 2);
      const mask = asImage(part(weights, 4), groups * points);
      const attributes = {
        kernel_shape: [1, points],
        group: channels,
        offset_group: groups,
        strides: walk.strides,
        pads: walk.pads,
      };
      return onnx.value('DeformConv', [map, ones, offsets, '', mask], { attributes });
    });
    // One after the other, so that two of them are held at once and not those of all maps.
    const sum = sums.reduce((total, part) => onnx.value('Add', [total, part]));
    return onnx.value('Reshape', [sum, onnx.integers([-1, channels, grid.rows * grid.columns])]);
  });
  joinStretches(onnx, stretches, outputs[0]);
}

function joinStretches(onnx: OnnxWriter, stretches: readonly string[], output: string): void {
  if (stretches.length === 1) onnx.alias(output, stretches[0]);
  else onnx.node('Concat', stretches, [output], { attributes: { axis: 2 } });
}

interface GridWalk {
  readonly strides: number[];
  readonly pads: number[];
}

/** Strides and padding with which a convolution over a map yields exactly the grid, and where it then stands. */
function gridWalk(height: number, width: number, points: number, { rows, columns }: QueryGrid): GridWalk {
  const [rowStride, below] = strideAndPadding(height, rows);
  const [columnStride, right] = strideAndPadding(width - points + 1, columns);
  return { strides: [rowStride, columnStride], pads: [0, 0, below, right] };
}

/** Where a walk is, per point, axis and query: what positions are counted from. */
function places(
  points: number,
  { rows, columns }: QueryGrid,
  { strides: [rowStride, columnStride] }: GridWalk,
): Float32Array {
  const queries = rows * columns;
  const base = new Float32Array(points * 2 * queries);
  for (let point = 0; point < points; point++) {
    for (let query = 0; query < queries; query++) {
      base[point * 2 * queries + query] = Math.floor(query / columns) * rowStride;
      base[(point * 2 + 1) * queries + query] = (query % columns) * columnStride + point;
    }
  }
  return base;
}

/** [stride, padding after]: floor((size - 1 + padding) / stride) + 1 === steps. */
function strideAndPadding(size: number, steps: number): [number, number] {
  const stride = Math.max(1, Math.ceil(size / steps));
  return [stride, Math.max(0, (steps - 1) * stride - (size - 1))];
}

function sampleReference(
  maps: readonly NdArray[],
  positions: NdArray,
  weights: NdArray,
  n: number,
  c: number,
  q: number,
): number {
  const [, groups, , points, , queries] = positions.shape;
  const channels = maps[0].shape[1];
  const group = Math.floor((c * groups) / channels);
  let sum = 0;
  maps.forEach((map, level) => {
    const [height, width] = map.shape.slice(2);
    const plane = ndArray(
      [height, width],
      map.data.subarray((n * channels + c) * height * width).slice(0, height * width),
    );
    for (let p = 0; p < points; p++) {
      const row = ((n * groups + group) * maps.length + level) * points + p;
      const [y, x] = [positions.data[row * 2 * queries + q], positions.data[(row * 2 + 1) * queries + q]];
      sum += weights.data[row * queries + q] * bilinear(plane, y, x);
    }
  });
  return sum;
}

function bilinear({ shape: [height, width], data }: NdArray, y: number, x: number): number {
  const [top, left] = [Math.floor(y), Math.floor(x)];
  let sum = 0;
  for (const [row, column] of [
    [top, left],
    [top, left + 1],
    [top + 1, left],
    [top + 1, left + 1],
  ]) {
    if (row < 0 || row >= height || column < 0 || column >= width) continue;
    sum += (1 - Math.abs(y - row)) * (1 - Math.abs(x - column)) * data[row * width + column];
  }
  return sum;
}
