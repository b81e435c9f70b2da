/** The loops of resizing as they read best, for any number of taps; `resize-fast.ts` has the same in WebAssembly. */

import { HALF, PRECISION_BITS, type Taps } from './resize-taps.ts';

function toByte(fixed: number): number {
  return Math.min(Math.max(fixed >> PRECISION_BITS, 0), 255);
}

/** As `resizeRows`, for any number of taps. */
export function resizeRowsPlainly(
  data: Uint8Array,
  width: number,
  height: number,
  outputWidth: number,
  taps: Taps,
): Uint8Array {
  const { starts, counts, weights, stride } = taps;
  const result = new Uint8Array(outputWidth * height * 3);
  let to = 0;
  for (let row = 0; row < height; row++) {
    const rowStart = row * width * 3;
    for (let column = 0; column < outputWidth; column++) {
      let from = rowStart + starts[column] * 3;
      const first = column * stride;
      const end = first + counts[column];
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      for (let tap = first; tap < end; tap++) {
        const weight = weights[tap];
        red = (red + Math.imul(data[from], weight)) | 0;
        green = (green + Math.imul(data[from + 1], weight)) | 0;
        blue = (blue + Math.imul(data[from + 2], weight)) | 0;
        from += 3;
      }
      result[to] = toByte(red);
      result[to + 1] = toByte(green);
      result[to + 2] = toByte(blue);
      to += 3;
    }
  }
  return result;
}

/** As `resizeColumns`, for any number of taps. Whole rows are added at a time, so that memory is read in order. */
export function resizeColumnsPlainly(data: Uint8Array, width: number, outputHeight: number, taps: Taps): Uint8Array {
  const { starts, counts, weights, stride } = taps;
  const rowLength = width * 3;
  const result = new Uint8Array(rowLength * outputHeight);
  const sums = new Int32Array(rowLength);
  for (let row = 0; row < outputHeight; row++) {
    sums.fill(HALF);
    for (let tap = 0; tap < counts[row]; tap++) {
      const weight = weights[row * stride + tap];
      const from = (starts[row] + tap) * rowLength;
      for (let at = 0; at < rowLength; at++) sums[at] += Math.imul(data[from + at], weight);
    }
    const to = row * rowLength;
    for (let at = 0; at < rowLength; at++) result[to + at] = toByte(sums[at]);
  }
  return result;
}
