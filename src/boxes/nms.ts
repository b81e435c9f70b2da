/**
 * Greedy non-maximum suppression: of two boxes that overlap more than a threshold, the better one stays.
 * Agrees with `torchvision.ops.nms` index for index: IoU is computed in float32 in its order of operations, suppression
 * is strict (`>`), ties go to the earlier box. Deviation: NaN and infinite input, silently accepted there, is an error.
 *
 * Survivors are filed in a grid by their centre. If IoU > t, then along each axis the overlap is longer than t times
 * the longer side, so the centres lie within `reach` times the candidate's own side, and only those cells need a look:
 *
 *     reach = max(1 - t, (1/t - 1) / 2)        (equal sides; the other side 1/t times longer)
 */

import { ChatRexError } from '../errors.ts';
import { type BoxArray, countBoxes } from './box-array.ts';
import { orderByScore } from './scores.ts';

const float32 = Math.fround;

/**
 * Indices of the boxes that survive, best score first.
 * @param boxesXyxy [N,4], any unit; read as float32.
 * @param scores [N].
 * @param iouThreshold 0..1; a box is dropped when its IoU with a better survivor is above it.
 * @throws ChatRexError `invalid-shape` when counts differ, `invalid-argument` on NaN, infinite boxes or a threshold
 *   outside 0..1.
 */
export function nms(boxesXyxy: BoxArray, scores: ArrayLike<number>, iouThreshold: number): Uint32Array {
  checkInput(boxesXyxy, scores, iouThreshold);
  const boxes = Float32Array.from(boxesXyxy);
  const grid = createGrid(boxes);
  // Rounding may push an IoU a few ulp over the threshold; the margin keeps such pairs within reach.
  const reach = 1.001 * Math.max(1 - iouThreshold, (1 / iouThreshold - 1) / 2);
  return orderByScore(scores).filter((index) => {
    if (isSuppressed(boxes, index, iouThreshold, grid, reach)) return false;
    const cell = grid.row(boxes, index, 0) * grid.size + grid.column(boxes, index, 0);
    grid.next[index] = grid.first[cell];
    grid.first[cell] = index;
    return true;
  });
}

/** Boxes by cell of their centre, each cell a linked list: `first[cell]`, then `next[box]`, -1 at the end. */
interface Grid {
  size: number;
  first: Int32Array;
  next: Int32Array;
  /** Column of a box's centre, moved by `reach` times its width; clamped to the grid. */
  column(boxes: Float32Array, index: number, reach: number): number;
  /** Row of a box's centre, moved by `reach` times its height; clamped to the grid. */
  row(boxes: Float32Array, index: number, reach: number): number;
}

function createGrid(boxes: Float32Array): Grid {
  const count = boxes.length / 4;
  const size = Math.max(1, Math.ceil(Math.sqrt(count)));
  const axis = (low: number) => {
    let [least, most] = [Infinity, -Infinity];
    for (let i = low; i < boxes.length; i += 4) {
      const centre = (boxes[i] + boxes[i + 2]) / 2;
      least = Math.min(least, centre);
      most = Math.max(most, centre);
    }
    const cellsPerUnit = most > least ? size / (most - least) : 0;
    return (all: Float32Array, index: number, reach: number) => {
      const [from, to] = [all[4 * index + low], all[4 * index + low + 2]];
      const position = (from + to) / 2 + (reach === 0 ? 0 : reach * (to - from)) - least;
      return Math.max(0, Math.min(size - 1, Math.floor(position * cellsPerUnit) || 0));
    };
  };
  return {
    size,
    first: new Int32Array(size * size).fill(-1),
    next: new Int32Array(count),
    column: axis(0),
    row: axis(1),
  };
}

function isSuppressed(boxes: Float32Array, index: number, iouThreshold: number, grid: Grid, reach: number): boolean {
  const at = 4 * index;
  const [left, top, right, bottom] = [boxes[at], boxes[at + 1], boxes[at + 2], boxes[at + 3]];
  const area = float32(float32(right - left) * float32(bottom - top));
  const lastRow = grid.row(boxes, index, reach);
  const lastColumn = grid.column(boxes, index, reach);
  for (let row = grid.row(boxes, index, -reach); row <= lastRow; row++) {
    for (let column = grid.column(boxes, index, -reach); column <= lastColumn; column++) {
      for (let other = grid.first[row * grid.size + column]; other >= 0; other = grid.next[other]) {
        const k = 4 * other;
        const width = Math.min(right, boxes[k + 2]) - Math.max(left, boxes[k]);
        const height = Math.min(bottom, boxes[k + 3]) - Math.max(top, boxes[k + 1]);
        if (width <= 0 || height <= 0) continue;
        const otherArea = float32(float32(boxes[k + 2] - boxes[k]) * float32(boxes[k + 3] - boxes[k + 1]));
        const intersection = float32(float32(width) * float32(height));
        const union = float32(float32(otherArea + area) - intersection);
        if (float32(intersection / union) > iouThreshold) return true;
      }
    }
  }
  return false;
}

function checkInput(boxesXyxy: BoxArray, scores: ArrayLike<number>, iouThreshold: number): void {
  const count = countBoxes(boxesXyxy);
  if (scores.length !== count) {
    throw new ChatRexError('invalid-shape', `nms: expected ${count} scores, one per box, got ${scores.length}`);
  }
  if (!(iouThreshold >= 0 && iouThreshold <= 1)) {
    throw new ChatRexError('invalid-argument', `nms: expected an IoU threshold of 0 to 1, got ${iouThreshold}`);
  }
  const at = boxesXyxy.findIndex((value: number) => !Number.isFinite(value));
  if (at >= 0) {
    const box = Math.floor(at / 4);
    throw new ChatRexError('invalid-argument', `nms: expected finite boxes, got ${boxesXyxy[at]} in box ${box}`);
  }
}
