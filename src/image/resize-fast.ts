/** The loops of resizing by the kernel in WebAssembly: rows go into its memory and come back resized. */

import { packWeights, resizeKernel, SLACK } from './resize-kernel.ts';
import type { Taps } from './resize-taps.ts';

/** Addresses of things in a kernel's memory, one behind the other. */
function places(...lengths: number[]): number[] {
  let end = 0;
  const addresses = lengths.map((length) => {
    const start = end;
    end = Math.ceil((start + length + SLACK) / 16) * 16;
    return start;
  });
  return [...addresses, end];
}

/** Weights of all outputs, `length` int32 for each. */
function packed({ counts, weights, stride }: Taps, length: number): Int32Array {
  const result = new Int32Array(counts.length * length);
  counts.forEach((count, i) => {
    packWeights(weights.subarray(i * stride, i * stride + count), result, i * length);
  });
  return result;
}

const bytesOf = (values: Int32Array): Uint8Array => new Uint8Array(values.buffer);

export function resizeRows(
  data: Uint8Array,
  width: number,
  height: number,
  outputWidth: number,
  taps: Taps,
): Uint8Array {
  const kernel = resizeKernel();
  const [rowLength, outputLength, length] = [width * 3, outputWidth * 3, taps.stride + 1];
  const [src, dst, starts, lengths, weights, end] = places(
    rowLength,
    outputLength,
    4 * outputWidth,
    4 * outputWidth,
    4 * length * outputWidth,
  );
  const memory = kernel.memory(end);
  memory.set(bytesOf(taps.starts.map((start) => 3 * start)), starts);
  memory.set(bytesOf(taps.counts.map((count) => 8 * Math.ceil(count / 2))), lengths);
  memory.set(bytesOf(packed(taps, length)), weights);
  const result = new Uint8Array(outputLength * height);
  for (let row = 0; row < height; row++) {
    memory.set(data.subarray(row * rowLength, (row + 1) * rowLength), src);
    kernel.row(src, dst, dst + outputLength, starts, lengths, weights, 4 * length);
    result.set(memory.subarray(dst, dst + outputLength), row * outputLength);
  }
  return result;
}

export function resizeColumns(data: Uint8Array, width: number, outputHeight: number, taps: Taps): Uint8Array {
  const kernel = resizeKernel();
  const { starts, counts, stride } = taps;
  const [rowLength, length] = [width * 3, stride + 1];
  // An odd number of rows gets another, of whatever is there, that weighs nothing.
  const [src, dst, weights, end] = places((stride + 1) * rowLength, rowLength, 4 * length * outputHeight);
  const memory = kernel.memory(end);
  memory.set(bytesOf(packed(taps, length)), weights);
  const result = new Uint8Array(rowLength * outputHeight);
  for (let row = 0; row < outputHeight; row++) {
    memory.set(data.subarray(starts[row] * rowLength, (starts[row] + counts[row]) * rowLength), src);
    const first = weights + 4 * length * row;
    kernel.column(src, rowLength, first, first + 8 * Math.ceil(counts[row] / 2), dst, dst + rowLength);
    result.set(memory.subarray(dst, dst + rowLength), row * rowLength);
  }
  return result;
}
