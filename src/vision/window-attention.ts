/**
 * Attention inside (shifted) windows of a feature map, with a learned bias per relative position.
 *
 * Agrees with `WindowAttention` and `SwinTransformerBlock` of the official `swin.py`: positions of padding take part
 * with the key and value of a zero token. Padding, cyclic shift, partition into windows and splitting into heads are
 * together one gather of rows; their reverse is another. So projections run on real tokens only, not on padding.
 */

import { linear } from '../nn/linear.ts';
import type { Scope } from '../nn/scope.ts';
import { stretchLengths } from '../nn/stretches.ts';
import { multiplyDims } from '../tensor/dimension.ts';
import { add } from '../tensor/ops/add.ts';
import { concat } from '../tensor/ops/concat.ts';
import { constant, filled } from '../tensor/ops/constant.ts';
import { expand } from '../tensor/ops/expand.ts';
import { gather } from '../tensor/ops/gather.ts';
import { matmul } from '../tensor/ops/matmul.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import { softmax } from '../tensor/ops/softmax.ts';
import { transpose } from '../tensor/ops/transpose.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Size of a feature map in tokens. */
export interface Grid {
  readonly height: number;
  readonly width: number;
}

export interface WindowOptions {
  readonly numHeads: number;
  readonly windowSize: number;
  /** How far the windows are shifted down and right; 0 for none. */
  readonly shift: number;
}

/** Added to the scores of tokens that the shift brought together though they are no neighbours. */
const separation = -100;

export interface WindowAttention {
  /** What every token saw, [B, height*width, C], before the projection of all heads. */
  readonly seen: Tensor;
  /** To be applied to every token alone. */
  readonly projection: (seen: Tensor) => Tensor;
}

/** Maps tokens [B, height*width, C] to what they see. */
export function windowAttention(
  scope: Scope,
  channels: number,
  { numHeads, windowSize }: Pick<WindowOptions, 'numHeads' | 'windowSize'>,
): (tokens: Tensor, layout: WindowLayout) => WindowAttention {
  const area = windowSize ** 2;
  const headSize = channels / numHeads;
  const table = scope.parameter('relative_position_bias_table', [(2 * windowSize - 1) ** 2, numHeads], {
    kind: 'normal',
    deviation: 0.02,
  });
  const qkv = linear(scope.at('qkv'), channels, 3 * channels, { deviation: 0.02 });
  const projection = linear(scope.at('proj'), channels, channels, { deviation: 0.02 });
  return (tokens, { hasPadding, stretches, toTokens, relativePositions }) => {
    const [batch, size] = tokens.shape;
    // One zero token stands for all padding; after the projection it is the bias, as in the official code.
    const withZero = hasPadding ? concat([tokens, zeroToken(tokens)], 1) : tokens;
    const rowsOf = (x: Tensor): Tensor => reshape(qkv(x), [batch, multiplyDims(x.shape[1], 3 * numHeads), headSize]);
    const allRows = stretches.every(({ tokens }) => tokens === null) ? rowsOf(withZero) : null;
    const bias = transpose(reshape(gather(table, relativePositions, { axis: 0 }), [area, area, numHeads]), [2, 0, 1]);
    const attend = ({ windows, tokens: own, toWindows, separations }: WindowStretch): Tensor => {
      const rows = own ? rowsOf(gather(withZero, own, { axis: 1 })) : (allRows as Tensor);
      const [q, k, v] = toWindows.map((index) =>
        reshape(gather(rows, index, { axis: 1 }), [batch, windows, numHeads, area, headSize]),
      );
      // [B, windows, heads, area, area]
      let scores = add(matmul(q, k, { transposeB: true, scale: 1 / Math.sqrt(headSize) }), bias);
      if (separations)
        scores = add(
          scores,
          reshape(gather(separations.kinds, separations.index, { axis: 0 }), [windows, 1, area, area]),
        );
      return reshape(matmul(softmax(scores), v), [batch, windows * numHeads * area, headSize]);
    };
    const attended = stretches.map(attend);
    const merged = gather(attended.length === 1 ? attended[0] : concat(attended, 1), toTokens, { axis: 1 });
    return { seen: reshape(merged, [batch, size, channels]), projection };
  };
}

/** Some windows, whose scores are few enough to be computed at once. */
export interface WindowStretch {
  readonly windows: number;
  /** The tokens in these windows, to be projected with this stretch; null where all are projected at once. */
  readonly tokens: Tensor | null;
  /** For queries, keys and values: the rows of the joint projection in the order window, head, place. */
  readonly toWindows: readonly [Tensor, Tensor, Tensor];
  /** For shifted windows at a seam only: keeps apart what the shift brought together. */
  readonly separations: Separations | null;
}

/** Few windows differ in what is kept apart in them, so each kind is stored once. */
interface Separations {
  /** [kinds, area * area] */
  readonly kinds: Tensor;
  /** [windows]: the kind of every window. */
  readonly index: Tensor;
}

/** How a feature map lies in windows: tables that all blocks of a stage share. */
export interface WindowLayout {
  readonly hasPadding: boolean;
  /** All windows, in order. */
  readonly stretches: readonly WindowStretch[];
  /** The rows of the result in the order token, head. */
  readonly toTokens: Tensor;
  /** Index into the table of biases for every pair of places of a window. */
  readonly relativePositions: Tensor;
}

/** @param isInTurn whether the windows of several stretches are projected stretch by stretch, which saves memory */
export function windowLayout(
  grid: Grid,
  { numHeads, windowSize, shift }: WindowOptions,
  isInTurn: boolean,
): WindowLayout {
  const area = windowSize ** 2;
  const source = windowSources(grid, windowSize, shift);
  const size = grid.height * grid.width;
  const indices = (values: Int32Array) => constant('int32', [values.length], values);
  const mask = shift > 0 ? shiftMask(grid, windowSize, shift) : null;
  const kinds = mask && constant('float32', [mask.kinds.length, area ** 2], Float32Array.from(mask.kinds.flat()));
  let start = 0;
  const lengths = stretchLengths(source.length / area, numHeads * area ** 2);
  const stretches = lengths.map((windows): WindowStretch => {
    const end = start + windows;
    const own = source.subarray(start * area, end * area);
    const tokens = isInTurn && lengths.length > 1 ? Int32Array.from(new Set(own)).sort() : null;
    const places = tokens && new Map(Array.from(tokens, (token, place) => [token, place]));
    const placeOf = (token: number) => places?.get(token) ?? token;
    const partRows = (part: number) =>
      indices(headRows(own, area, (token, head) => (placeOf(token) * 3 + part) * numHeads + head, numHeads));
    const kept = mask?.index.slice(start, end);
    start = end;
    return {
      windows,
      tokens: tokens && indices(tokens),
      toWindows: [partRows(0), partRows(1), partRows(2)],
      separations: kinds && kept?.some((kind) => kind !== 0) ? { kinds, index: indices(Int32Array.from(kept)) } : null,
    };
  });
  return {
    hasPadding: source.length > size,
    stretches,
    toTokens: indices(tokenRows(source, size, area, numHeads)),
    relativePositions: indices(Int32Array.from(relativePositionIndex(windowSize))),
  };
}

/** [B, 1, C] zeros for tokens [B, N, C]. */
const zeroToken = (tokens: Tensor): Tensor => {
  const [batch, , channels] = tokens.shape;
  return expand(filled('float32', [1, 1, 1], 0), [batch, 1, channels]);
};

/** Index into the bias table for every pair of tokens of a window: [area*area]. */
function relativePositionIndex(windowSize: number): number[] {
  const area = windowSize ** 2;
  return Array.from({ length: area * area }, (_, pair) => {
    const [query, key] = [Math.floor(pair / area), pair % area];
    const down = Math.floor(query / windowSize) - Math.floor(key / windowSize) + windowSize - 1;
    const right = (query % windowSize) - (key % windowSize) + windowSize - 1;
    return down * (2 * windowSize - 1) + right;
  });
}

/** The token at every place of every window, in order; height*width stands for padding. */
function windowSources({ height, width }: Grid, windowSize: number, shift: number): Int32Array {
  const [paddedHeight, paddedWidth] = [height, width].map((size) => Math.ceil(size / windowSize) * windowSize);
  const source = new Int32Array(paddedHeight * paddedWidth);
  let at = 0;
  for (const { row, column } of windowPlaces(paddedHeight, paddedWidth, windowSize)) {
    const [y, x] = [(row + shift) % paddedHeight, (column + shift) % paddedWidth];
    source[at++] = y < height && x < width ? y * width + x : height * width;
  }
  return source;
}

/** Places of a (shifted) map, window after window. */
function* windowPlaces(height: number, width: number, windowSize: number): Generator<{ row: number; column: number }> {
  for (let top = 0; top < height; top += windowSize)
    for (let left = 0; left < width; left += windowSize)
      for (let y = 0; y < windowSize; y++)
        for (let x = 0; x < windowSize; x++) yield { row: top + y, column: left + x };
}

/** Rows in the order window, head, place of one part of the projection. */
function headRows(
  source: Int32Array,
  area: number,
  row: (token: number, head: number) => number,
  numHeads: number,
): Int32Array {
  const index = new Int32Array(source.length * numHeads);
  let at = 0;
  for (let window = 0; window < source.length; window += area)
    for (let head = 0; head < numHeads; head++)
      for (let place = 0; place < area; place++) index[at++] = row(source[window + place], head);
  return index;
}

/** Where the row of every token and head lies in the order window, head, place. */
function tokenRows(source: Int32Array, size: number, area: number, numHeads: number): Int32Array {
  const index = new Int32Array(size * numHeads);
  source.forEach((token, at) => {
    if (token === size) return;
    const [window, place] = [Math.floor(at / area), at % area];
    for (let head = 0; head < numHeads; head++) {
      index[token * numHeads + head] = (window * numHeads + head) * area + place;
    }
  });
  return index;
}

/**
 * Which places of a window are kept apart: `separation` between those that come from different sides of the seams of a
 * shifted map, [area * area] per kind of window, the first kind without any; and the kind of every window.
 */
function shiftMask({ height, width }: Grid, windowSize: number, shift: number): { kinds: number[][]; index: number[] } {
  const area = windowSize ** 2;
  const [paddedHeight, paddedWidth] = [height, width].map((size) => Math.ceil(size / windowSize) * windowSize);
  const region = (place: number, size: number) => Number(place >= size - windowSize) + Number(place >= size - shift);
  const regions = Array.from(
    windowPlaces(paddedHeight, paddedWidth, windowSize),
    ({ row, column }) => region(row, paddedHeight) * 3 + region(column, paddedWidth),
  );
  const kinds = [new Array<number>(area ** 2).fill(0)];
  const known = new Map<string, number>();
  const index = Array.from({ length: regions.length / area }, (_, window) => {
    const own = regions.slice(window * area, (window + 1) * area);
    // Windows whose places fall apart in the same way are of one kind, wherever they are.
    const sides = own.map((value) => own.indexOf(value));
    if (sides.every((side) => side === 0)) return 0;
    const key = sides.join();
    const kind = known.get(key) ?? kinds.length;
    if (kind === kinds.length) {
      known.set(key, kind);
      kinds.push(sides.flatMap((query) => sides.map((place) => (query === place ? 0 : separation))));
    }
    return kind;
  });
  return { kinds, index };
}
