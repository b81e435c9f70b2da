/** How far a computed tensor is from the expected one. */

import type { HostTensor } from '../../src/runtime/host-tensor.ts';

/** Greatest absolute difference, and its share of the greatest expected value; infinite where the sizes differ. */
export function difference(expected: Float32Array, { data }: HostTensor): { absolute: number; relative: number } {
  if (expected.length !== data.length)
    return { absolute: Number.POSITIVE_INFINITY, relative: Number.POSITIVE_INFINITY };
  let [absolute, greatest] = [0, 0];
  expected.forEach((value, i) => {
    if (Number.isFinite(value)) greatest = Math.max(greatest, Math.abs(value));
    if (value !== data[i]) absolute = Math.max(absolute, Math.abs(value - Number(data[i])) || Number.POSITIVE_INFINITY);
  });
  return { absolute, relative: absolute / (greatest || 1) };
}
