/**
 * Dense float64 arrays with a shape: what the plain references of ops compute on. Integers and booleans are numbers
 * here.
 */

export interface NdArray {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export const elementCount = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

export function ndArray(shape: readonly number[], data?: ArrayLike<number>): NdArray {
  const size = elementCount(shape);
  return { shape, data: data === undefined ? new Float64Array(size) : Float64Array.from(data) };
}

/** Row-major strides. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}

/** Fills a new array by a function of the multi-index (reused between calls) and the flat index. */
export function generate(shape: readonly number[], value: (index: number[], flat: number) => number): NdArray {
  const result = ndArray(shape);
  const index = new Array<number>(shape.length).fill(0);
  for (let flat = 0; flat < result.data.length; flat++) {
    result.data[flat] = value(index, flat);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
  return result;
}

/** Element of `array` at `index`, read as if `array` were broadcast to the rank of `index`. */
export function at(array: NdArray, index: readonly number[]): number {
  const offset = index.length - array.shape.length;
  let flat = 0;
  for (let axis = 0; axis < array.shape.length; axis++) {
    flat = flat * array.shape[axis] + (array.shape[axis] === 1 ? 0 : index[axis + offset]);
  }
  return array.data[flat];
}

export const mapNd = (x: NdArray, f: (value: number) => number): NdArray => ({ shape: x.shape, data: x.data.map(f) });

export function broadcastNdShapes(...shapes: (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    return sizes.find((size) => size !== 1) ?? 1;
  });
}

/** Elementwise with broadcasting. */
export function zipNd(a: NdArray, b: NdArray, f: (x: number, y: number) => number): NdArray {
  return generate(broadcastNdShapes(a.shape, b.shape), (index) => f(at(a, index), at(b, index)));
}
