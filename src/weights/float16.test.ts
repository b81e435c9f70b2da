import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from './float16.ts';
import { openSafetensors } from './safetensors.ts';

const allBits = Uint16Array.from({ length: 65_536 }, (_, i) => i);

test('every float16 and bfloat16 survives the way to float32 and back', () => {
  const half = float32ToFloat16(float16ToFloat32(allBits));
  const brain = float32ToBfloat16(bfloat16ToFloat32(allBits));
  const isHalfNaN = (bits: number) => (bits & 0x7fff) > 0x7c00;
  const isBrainNaN = (bits: number) => (bits & 0x7fff) > 0x7f80;
  expect(allBits.filter((bits) => half[bits] !== bits && !isHalfNaN(bits))).toHaveLength(0);
  expect(allBits.filter((bits) => brain[bits] !== bits && !isBrainNaN(bits))).toHaveLength(0);
  expect(allBits.filter((bits) => isHalfNaN(bits) && !isHalfNaN(half[bits]))).toHaveLength(0);
  expect(allBits.filter((bits) => isBrainNaN(bits) && !isBrainNaN(brain[bits]))).toHaveLength(0);
});

test('rounds as numpy and torch do, ties to even, overflow to infinity', async () => {
  const file = await openSafetensors('fixtures/weights/half-conversions.safetensors');
  const values = await file.readFloat32('float32');
  expect(values.length).toBeGreaterThan(1900);
  expect(float32ToFloat16(values)).toEqual(await file.read('float16_bits'));
  expect(float32ToBfloat16(values)).toEqual(await file.read('bfloat16_bits'));
});

test('float16 is the nearest of all float16 values', () => {
  const finite = [...float16ToFloat32(allBits)].filter(Number.isFinite).sort((a, b) => a - b);
  fc.assert(
    fc.property(fc.float({ min: -65_504, max: 65_504, noNaN: true }), (value) => {
      const rounded = float16ToFloat32(float32ToFloat16(Float32Array.of(value)))[0];
      const distance = Math.abs(rounded - value);
      const above = finite.findIndex((candidate) => candidate >= value);
      const neighbours = finite.slice(Math.max(0, above - 1), above + 1);
      expect(Math.min(...neighbours.map((candidate) => Math.abs(candidate - value)))).toBe(distance);
    }),
    { numRuns: 200 },
  );
});

test('a view into a larger buffer converts its own part', () => {
  expect(float32ToFloat16(Float32Array.of(9, 1, 2, 9).subarray(1, 3))).toEqual(Uint16Array.of(0x3c00, 0x4000));
  expect(float16ToFloat32(new Uint16Array(0))).toEqual(new Float32Array(0));
});
