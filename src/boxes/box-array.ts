/**
 * The flat layout shared by everything in this folder: N boxes are 4N consecutive numbers, box i at offset 4i.
 * The meaning of the four numbers (the frame) is carried by the variable's name, see docs of `convert.ts`.
 */

import { ChatRexError } from '../errors.ts';

/** [N,4] boxes, flattened. */
export type BoxArray = Float32Array | Float64Array;

/**
 * How many boxes an array holds.
 * @throws ChatRexError `invalid-shape` when the length is no multiple of four.
 */
export function countBoxes(boxes: BoxArray): number {
  if (boxes.length % 4 !== 0) {
    throw new ChatRexError(
      'invalid-shape',
      `boxes: expected 4 numbers per box, got ${boxes.length} numbers; pass a flat [N,4] array`,
    );
  }
  return boxes.length / 4;
}
