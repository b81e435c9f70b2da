/** Which pixels of an axis each pixel of the resized axis is made of, as Pillow computes it. */

export type ResizeFilter = 'bilinear' | 'bicubic';

/** 32 bits, less 8 for the byte and 2 for the sign and for bicubic's overshoot: sums never leave an int32. */
export const PRECISION_BITS = 22;
export const HALF = 1 << (PRECISION_BITS - 1);

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
export interface Taps {
  /** First input pixel of every output pixel. */
  readonly starts: Int32Array;
  /** Number of input pixels of every output pixel. */
  readonly counts: Int32Array;
  /** Fixed-point weights, `stride` places per output pixel. */
  readonly weights: Int32Array;
  readonly stride: number;
}

export function computeTaps(inputLength: number, outputLength: number, filter: ResizeFilter): Taps {
  const kernel = KERNELS[filter];
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

/** Whether there is such a filter. */
export const isResizeFilter = (name: string): name is ResizeFilter => name in KERNELS;
