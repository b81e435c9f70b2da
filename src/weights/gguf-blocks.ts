/**
 * How GGUF stores numbers: plain floats, or blocks of 32 values that share a scale, and perhaps a smallest value, in
 * half precision. Agrees with `dequantize_row_*` of ggml.
 */

import { float16ToFloat32, float16Value } from './float16.ts';

export type GgufType = 'F32' | 'F16' | 'Q4_0' | 'Q4_1' | 'Q8_0';

/** ggml's numbers of the types that are read. */
export const ggufTypes: ReadonlyMap<number, GgufType> = new Map([
  [0, 'F32'],
  [1, 'F16'],
  [2, 'Q4_0'],
  [3, 'Q4_1'],
  [8, 'Q8_0'],
]);

interface BlockLayout {
  /** Values that are stored together; every row is a whole number of blocks. */
  readonly values: number;
  readonly bytes: number;
  /** Writes the values of the block at `from` to `target`, from `to` on. */
  read(bytes: Uint8Array, from: number, half: HalfAt, target: Float32Array, to: number): void;
}

/** The half-precision number at a byte. */
type HalfAt = (byte: number) => number;

const blockValues = 32;

const layouts: Readonly<Record<Exclude<GgufType, 'F32' | 'F16'>, BlockLayout>> = {
  // value = scale * (q - 8)
  Q4_0: {
    values: blockValues,
    bytes: 2 + blockValues / 2,
    read: (bytes, from, half, target, to) => readNibbles(bytes, from + 2, half(from), -8 * half(from), target, to),
  },
  // value = scale * q + least
  Q4_1: {
    values: blockValues,
    bytes: 4 + blockValues / 2,
    read: (bytes, from, half, target, to) => readNibbles(bytes, from + 4, half(from), half(from + 2), target, to),
  },
  // value = scale * q, q signed
  Q8_0: {
    values: blockValues,
    bytes: 2 + blockValues,
    read: (bytes, from, half, target, to) => {
      const scale = half(from);
      for (let i = 0; i < blockValues; i++) target[to + i] = scale * ((bytes[from + 2 + i] << 24) >> 24);
    },
  },
};

/** Low halves of the bytes are the first half of the block, high halves the second. */
function readNibbles(
  bytes: Uint8Array,
  from: number,
  scale: number,
  least: number,
  target: Float32Array,
  to: number,
): void {
  const half = blockValues / 2;
  for (let i = 0; i < half; i++) {
    const byte = bytes[from + i];
    // ggml rounds the product before it adds, as float32 does everything.
    target[to + i] = Math.fround(scale * (byte & 15)) + least;
    target[to + half + i] = Math.fround(scale * (byte >> 4)) + least;
  }
}

/** Bytes of a tensor; NaN where its rows are no whole number of blocks. */
export function storedBytes(type: GgufType, shape: readonly number[]): number {
  const count = shape.reduce((product, size) => product * size, 1);
  if (type === 'F32') return 4 * count;
  if (type === 'F16') return 2 * count;
  const { values, bytes } = layouts[type];
  const row = shape[shape.length - 1] ?? 0;
  return row % values === 0 ? (count / values) * bytes : Number.NaN;
}

/** The values of a tensor, row-major, from its bytes as `storedBytes` counts them. */
export function dequantize(type: GgufType, bytes: Uint8Array<ArrayBuffer>): Float32Array {
  if (type === 'F32') return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  if (type === 'F16') return float16ToFloat32(new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2));
  const { values, bytes: blockBytes, read } = layouts[type];
  const blocks = bytes.byteLength / blockBytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const target = new Float32Array(blocks * values);
  const half: HalfAt = (byte) => float16Value(view.getUint16(byte, true));
  for (let block = 0; block < blocks; block++) read(bytes, block * blockBytes, half, target, block * values);
  return target;
}
