/**
 * How much every row and every column of a feature map counts in the mean over a box.
 *
 * RoIAlign samples a box bilinearly on a regular grid; averaging its bins makes one sum over rows times columns, so that two
 * short vectors per box say all of it. Agrees with torchvision's `roi_align(aligned=False, sampling_ratio=-1)` followed
 * by a mean over its output.
 */

/** Boxes have a row of weights each, for rows and for columns of a map. */
export interface PoolingWeights {
  /** [K, height] */
  readonly rows: Float32Array;
  /** [K, width] */
  readonly columns: Float32Array;
}

export interface PoolingMap {
  height: number;
  width: number;
  /** Map positions per pixel of the boxes. */
  spatialScale: number;
  /** Bins per side of a box. */
  outputSize: number;
}

/** @param boxesXyxy [K, 4] in pixels of the model's square input. */
export function poolingWeights(boxesXyxy: ArrayLike<number>, map: PoolingMap): PoolingWeights {
  const count = boxesXyxy.length / 4;
  const rows = new Float32Array(count * map.height);
  const columns = new Float32Array(count * map.width);
  for (let k = 0; k < count; k++) {
    const [x1, y1, x2, y2] = [0, 1, 2, 3].map((i) => boxesXyxy[4 * k + i] * map.spatialScale);
    addLine(rows.subarray(k * map.height, (k + 1) * map.height), y1, y2, map.outputSize);
    addLine(columns.subarray(k * map.width, (k + 1) * map.width), x1, x2, map.outputSize);
  }
  return { rows, columns };
}

/** Adds the interpolation weights of all samples between `start` and `end`, which add up to one inside the map. */
function addLine(weights: Float32Array, start: number, end: number, bins: number): void {
  const size = weights.length;
  const length = Math.max(end - start, 1);
  const samples = bins * Math.ceil(length / bins);
  const share = 1 / samples;
  for (let i = 0; i < samples; i++) {
    const position = start + ((i + 0.5) * length) / samples;
    if (position < -1 || position > size) continue;
    const clamped = Math.min(Math.max(position, 0), size - 1);
    const low = Math.min(Math.floor(clamped), size - 1);
    const fraction = clamped - low;
    weights[low] += share * (1 - fraction);
    if (fraction > 0) weights[low + 1] += share * fraction;
  }
}
