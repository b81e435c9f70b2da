/**
 * Antialiased resizing of 8-bit images, byte for byte as PIL's `Image.resize` (Pillow, `libImaging/Resample.c`).
 *
 * Separable: rows first, rounded to bytes, then columns. Every output pixel is a weighted mean of the input pixels
 * under a filter whose support grows with the reduction, with weights as 22-bit fixed-point numbers.
 */
import { ChatRexError } from '../errors.ts';
import { assertImageSize, type ImageSize, type RgbImage } from './rgb-image.ts';

export type ResizeFilter = 'bilinear' | 'bicubic';

/** 32 bits, less 8 for the byte and 2 for the sign and for bicubic's overshoot: sums never leave an int32. */
const PRECISION_BITS = 22;
const HALF = 1 << (PRECISION_BITS - 1);

interface Kernel {
  /** Distance in (output) pixels beyond which the weight is 0. */
  readonly support: number;
  weight(distance: number): number;
}

const KERNELS: Record<ResizeFilter, Kernel> = {
  bilinear: { support: 1, weight: (distance) => Math.max(0, 1 - Math.abs(distance)) },
  // Keys' cubic convolution with a = -1/2.
  bicubic: {
    support: 2,
    weight(distance) {
      const x = Math.abs(distance);
      const a = -0.5;
      if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
      if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
      return 0;
    },
  },
};

/** Which input pixels each output pixel of one axis is made of, and how much of each. */
interface Taps {
  /** First input pixel of every output pixel. */
  readonly starts: Int32Array;
  /** Number of input pixels of every output pixel. */
  readonly counts: Int32Array;
  /** Fixed-point weights, `stride` places per output pixel. */
  readonly weights: Int32Array;
  readonly stride: number;
}

/**
 * Resizes to `size`, both axes independently, as PIL's `image.resize((width, height), filter)`.
 * An axis whose length does not change is copied exactly. Returns the same object when nothing changes.
 */
export function resizeImage(image: RgbImage, size: ImageSize, filter: ResizeFilter = 'bilinear'): RgbImage {
  assertImageSize(image);
  assertImageSize(size);
  if (!(filter in KERNELS)) {
    throw new ChatRexError('invalid-argument', `A resize filter is bilinear or bicubic; got ${filter}.`);
  }
  let { width, height, data } = image;
  if (width !== size.width) {
    data = resizeRows(data, width, height, size.width, computeTaps(width, size.width, KERNELS[filter]));
    width = size.width;
  }
  if (height !== size.height) {
    data = resizeColumns(data, width, size.height, computeTaps(height, size.height, KERNELS[filter]));
    height = size.height;
  }
  return data === image.data ? image : { width, height, data };
}

function computeTaps(inputLength: number, outputLength: number, kernel: Kernel): Taps {
  const scale = inputLength / outputLength;
  const filterScale = Math.max(scale, 1);
  const support = kernel.support * filterScale;
  const stride = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(outputLength);
  const counts = new Int32Array(outputLength);
  const weights = new Int32Array(outputLength * stride);
  const exact = new Float64Array(stride);
  for (let output = 0; output < outputLength; output++) {
    const center = (output + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const count = Math.min(inputLength, Math.trunc(center + support + 0.5)) - start;
    let sum = 0;
    for (let tap = 0; tap < count; tap++) {
      exact[tap] = kernel.weight((tap + start - center + 0.5) / filterScale);
      sum += exact[tap];
    }
    for (let tap = 0; tap < count; tap++) {
      const fixed = (exact[tap] / sum) * (1 << PRECISION_BITS);
      weights[output * stride + tap] = Math.trunc(fixed + (fixed < 0 ? -0.5 : 0.5));
    }
    starts[output] = start;
    counts[output] = count;
  }
  return { starts, counts, weights, stride };
}

function toByte(fixed: number): number {
  return Math.min(Math.max(fixed >> PRECISION_BITS, 0), 255);
}

function resizeRows(data: Uint8Array, width: number, height: number, outputWidth: number, taps: Taps): Uint8Array {
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

/** Whole rows are added at a time: memory is read in order, and the three colours need no telling apart. */
function resizeColumns(data: Uint8Array, width: number, outputHeight: number, taps: Taps): Uint8Array {
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
