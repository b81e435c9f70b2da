/**
 * Conversions between float32 and the two 16-bit floats, which travel as bits in a Uint16Array.
 * IEEE 754 binary16 and bfloat16, rounding to nearest, ties to even; agrees with numpy and PyTorch bit for bit
 * except that every NaN becomes one quiet NaN of the same sign.
 */

const exponentMask = 0x7f800000;

let halfTable: Float32Array<ArrayBuffer> | undefined;

/** float16 bits -> float32 values, exact. */
export function float16ToFloat32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  halfTable ??= buildHalfTable();
  const table = halfTable;
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = table[bits[i]];
  return values;
}

/** The value of one float16, given as its bits; exact. */
export function float16Value(bits: number): number {
  halfTable ??= buildHalfTable();
  return halfTable[bits];
}

/** All 65,536 float16 values (256 KiB): one look-up beats any arithmetic. */
function buildHalfTable(): Float32Array<ArrayBuffer> {
  const table = new Float32Array(65_536);
  for (let bits = 0; bits < 65_536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0x1f) table[bits] = fraction === 0 ? sign * Infinity : NaN;
    else if (exponent === 0) table[bits] = sign * fraction * 2 ** -24;
    else table[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return table;
}

/** float32 values -> float16 bits; what exceeds 65,504 by half a step or more becomes infinite. */
export function float32ToFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const input = floatBits(values);
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) bits[i] = halfBits(input[i]);
  return bits;
}

function halfBits(single: number): number {
  const sign = (single >>> 16) & 0x8000;
  const magnitude = single & 0x7fffffff;
  if (magnitude > exponentMask) return sign | 0x7e00;
  // 65,520 is the tie between 65,504 and the value that would follow it; ties go to even, here infinity.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) {
    // Normal: rebias the exponent, add just under half a step plus the lowest kept bit, drop 13 bits.
    return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  }
  // Up to 2^-25 rounds to zero (the tie included); otherwise a subnormal: shift the full mantissa into steps of 2^-24.
  if (magnitude <= 0x33000000) return sign;
  const shift = 126 - (magnitude >>> 23);
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  const half = 1 << (shift - 1);
  return sign | ((mantissa + half - 1 + ((mantissa >>> shift) & 1)) >>> shift);
}

/** bfloat16 bits -> float32 values, exact. */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const values = new Float32Array(bits.length);
  const output = new Uint32Array(values.buffer);
  for (let i = 0; i < bits.length; i++) output[i] = bits[i] << 16;
  return values;
}

/** float32 values -> bfloat16 bits. */
export function float32ToBfloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const input = floatBits(values);
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const single = input[i];
    const isNaNBits = (single & 0x7fffffff) > exponentMask;
    bits[i] = isNaNBits ? ((single >>> 16) & 0x8000) | 0x7fc0 : (single + 0x7fff + ((single >>> 16) & 1)) >>> 16;
  }
  return bits;
}

function floatBits(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}
