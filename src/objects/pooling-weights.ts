/**
 * How much every row and every column of a feature map counts in the mean over a box.
 *
 * RoIAlign samples a box bilinearly on a regular grid; averaging its bins makes one sum over rows times columns, so
 * that two short vectors per box say all of it. Agrees with torchvision's `roi_align(aligned=False, sampling_ratio=-1)`
 * followed by a mean over its output.
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

/**
 * Boxes outside the map count nothing; boxes of less than one map position count as one, as in the reference.
 * @param boxesXyxy [K, 4] in pixels of the model's square input.
 */
export function poolingWeights(boxesXyxy: ArrayLike<number>, map: PoolingMap): PoolingWeights {
  const count = boxesXyxy.length / 4;
  const rows = new Float32Array(count * map.height);
  const columns = new Float32Array(count * map.width);
  const scale = fround(map.spatialScale);
  for (let k = 0; k < count; k++) {
    const [x1, y1, x2, y2] = [0, 1, 2, 3].map((i) => fround(fround(boxesXyxy[4 * k + i]) * scale));
    addLine(rows.subarray(k * map.height, (k + 1) * map.height), y1, y2, map.outputSize);
    addLine(columns.subarray(k * map.width, (k + 1) * map.width), x1, x2, map.outputSize);
  }
  return { rows, columns };
}

/**
 * Adds the interpolation weights of all samples between `start` and `end`, which add up to one inside the map. Every
 * step is rounded to float32 as the reference's is: the number of samples and the cut beyond the edges jump.
 */
function addLine(weights: Float32Array, start: number, end: number, bins: number): void {
  const size = weights.length;
  const binLength = fround(Math.max(fround(end - start), 1) / bins);
  const samplesPerBin = Math.ceil(binLength);
  const share = 1 / (bins * samplesPerBin);
  for (let i = 0; i < bins * samplesPerBin; i++) {
    const bin = Math.floor(i / samplesPerBin);
    const within = fround(fround((i % samplesPerBin) + 0.5) * binLength) / samplesPerBin;
    const position = fround(fround(start + fround(bin * binLength)) + fround(within));
    if (position < -1 || position > size) continue;
    const clamped = Math.min(Math.max(position, 0), size - 1);
    const low = Math.floor(clamped);
    const fraction = clamped - low;
    weights[low] += share * (1 - fraction);
    if (fraction > 0) weights[low + 1] += share * fraction;
  }
}

const { fround } = Math;
