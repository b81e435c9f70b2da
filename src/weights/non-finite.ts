/** Finds out why a model computes NaN: whether its weights hold values that are not finite, and which. */

import { ChatRexError } from '../errors.ts';
import { streamRange } from '../file-range.ts';
import type { StoredWeight, WeightStorage } from '../onnx/emit.ts';

/** Names that a message shows. */
const maxNamesShown = 3;

/** Whether any value is NaN. */
export function hasNaN(values: ArrayLike<number>): boolean {
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) return true;
  return false;
}

/**
 * The error to throw where a model has computed NaN. It reads every weight, which takes a while for a large model, but
 * only once something is wrong.
 *
 * @param part names what was computed, as in `the scores of the boxes`
 * @returns 'invalid-file' naming weights that are not finite; 'runtime' when all of them are
 */
export async function explainNaN(part: string, weights: WeightStorage): Promise<ChatRexError> {
  const damaged: string[] = [];
  const stored = weights === 'feeds' ? [] : [...weights];
  for (const [name, weight] of stored) if (weight !== 'fed' && (await isDamaged(weight))) damaged.push(name);
  if (damaged.length === 0) {
    const message = `${part} are not numbers although all weights are: use the weights in float32, or report this`;
    return new ChatRexError('runtime', message);
  }
  const more = damaged.length > maxNamesShown ? ` and ${damaged.length - maxNamesShown} more` : '';
  const first = stored.find(([name]) => name === damaged[0])?.[1];
  const place = first && first !== 'fed' && 'path' in first ? ` in ${first.path}` : '';
  const names = damaged.slice(0, maxNamesShown).join(', ') + more;
  const fix = 'the file is damaged or its training diverged; download or train it again';
  return new ChatRexError('invalid-file', `weights hold NaN or infinity: ${names}${place}; ${fix}`);
}

/** Bits of a value's exponent, all of them set in NaN and infinity: mask and size in bytes. */
const exponents: Partial<Record<StoredWeight['dtype'], { mask: number; bytes: 2 | 4 | 8 }>> = {
  float16: { mask: 0x7c00, bytes: 2 },
  bfloat16: { mask: 0x7f80, bytes: 2 },
  float32: { mask: 0x7f800000, bytes: 4 },
  float64: { mask: 0x7ff00000, bytes: 8 },
};

async function isDamaged(weight: StoredWeight): Promise<boolean> {
  const exponent = exponents[weight.dtype];
  if (!exponent) return false;
  if ('data' in weight) {
    const { buffer, byteOffset, byteLength } = weight.data as Uint8Array;
    return holdsExponent(new Uint8Array(buffer, byteOffset, byteLength), exponent);
  }
  for await (const chunk of streamRange(weight.path, weight.byteOffset, weight.byteLength)) {
    if (holdsExponent(chunk, exponent)) return true;
  }
  return false;
}

function holdsExponent(chunk: Uint8Array, { mask, bytes }: { mask: number; bytes: 2 | 4 | 8 }): boolean {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  for (let at = 0; at + bytes <= chunk.byteLength; at += bytes) {
    // The exponent is in the upper half of a float64.
    const bits = bytes === 2 ? view.getUint16(at, true) : view.getInt32(at + bytes - 4, true);
    if ((bits & mask) === mask) return true;
  }
  return false;
}
