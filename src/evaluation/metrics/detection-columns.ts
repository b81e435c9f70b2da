/** Detections by the million, as columns: one number a field instead of one object a detection. */

import type { DetectionTable } from './coco-table.ts';

/** N detections in the order of their file. */
export interface DetectionColumns {
  readonly count: number;
  /** Place of the image in the truth's list of images. */
  readonly image: Int32Array;
  /** Place of the category in the truth's list of categories. */
  readonly category: Int32Array;
  /** [N,4] left, top, width, height in pixels. */
  readonly boxesXywh: Float64Array;
  readonly score: Float64Array;
}

/** Collects detections one by one; the columns grow by a quarter, so that little memory is held in vain. */
export class DetectionBuffer {
  #count = 0;
  #image = new Int32Array(1024);
  #category = new Int32Array(1024);
  #boxes = new Float64Array(4 * 1024);
  #score = new Float64Array(1024);

  get count(): number {
    return this.#count;
  }

  push(image: number, category: number, x: number, y: number, width: number, height: number, score: number): void {
    if (this.#count === this.#score.length) this.reserve(Math.ceil(this.#count * 1.25));
    const at = this.#count++;
    this.#image[at] = image;
    this.#category[at] = category;
    this.#boxes[4 * at] = x;
    this.#boxes[4 * at + 1] = y;
    this.#boxes[4 * at + 2] = width;
    this.#boxes[4 * at + 3] = height;
    this.#score[at] = score;
  }

  /** Makes room for this many detections in all. */
  reserve(capacity: number): void {
    if (capacity <= this.#score.length) return;
    const grown = <A extends Int32Array | Float64Array>(column: A, larger: A): A => {
      larger.set(column);
      return larger;
    };
    this.#image = grown(this.#image, new Int32Array(capacity));
    this.#category = grown(this.#category, new Int32Array(capacity));
    this.#boxes = grown(this.#boxes, new Float64Array(4 * capacity));
    this.#score = grown(this.#score, new Float64Array(capacity));
  }

  columns(): DetectionColumns {
    return {
      count: this.#count,
      image: this.#image.subarray(0, this.#count),
      category: this.#category.subarray(0, this.#count),
      boxesXywh: this.#boxes.subarray(0, 4 * this.#count),
      score: this.#score.subarray(0, this.#count),
    };
  }
}

/**
 * The rows of an index list in ascending order of a column's small whole numbers; equal ones keep their order.
 * @param keyCount the column's values are 0 to `keyCount - 1`
 * @returns the sorted rows, and where each key's rows start ([keyCount + 1])
 */
export function sortByKey(
  rows: Uint32Array,
  column: Int32Array,
  keyCount: number,
): { rows: Uint32Array; starts: Uint32Array } {
  const starts = new Uint32Array(keyCount + 1);
  for (const row of rows) starts[column[row] + 1]++;
  for (let key = 0; key < keyCount; key++) starts[key + 1] += starts[key];
  const next = starts.slice();
  const sorted = new Uint32Array(rows.length);
  for (const row of rows) sorted[next[column[row]]++] = row;
  return { rows: sorted, starts };
}

/** Sorts a stretch of rows by descending score in place; equal scores keep their order. Stretches are short. */
export function sortByScore(rows: Uint32Array, from: number, to: number, score: Float64Array): void {
  if (to - from > 24) {
    rows.subarray(from, to).set(rows.slice(from, to).sort((a, b) => score[b] - score[a]));
    return;
  }
  for (let i = from + 1; i < to; i++) {
    const row = rows[i];
    let at = i;
    for (; at > from && score[rows[at - 1]] < score[row]; at--) rows[at] = rows[at - 1];
    rows[at] = row;
  }
}

/** Every row whose key has more than `most` rows, but for the best `most` of each key, is left out; the order stays. */
export function bestOfEach(columns: DetectionColumns, column: Int32Array, keyCount: number, most: number): Uint32Array {
  const all = Uint32Array.from({ length: columns.count }, (_, row) => row);
  const { rows, starts } = sortByKey(all, column, keyCount);
  let isDropped: Uint8Array | undefined;
  for (let key = 0; key < keyCount; key++) {
    if (starts[key + 1] - starts[key] <= most) continue;
    isDropped ??= new Uint8Array(columns.count);
    const own = rows.slice(starts[key], starts[key + 1]).sort((a, b) => columns.score[b] - columns.score[a] || a - b);
    for (const row of own.subarray(most)) isDropped[row] = 1;
  }
  const dropped = isDropped;
  return dropped ? all.filter((row) => dropped[row] === 0) : all;
}

/**
 * The rows as a table by category, then image, then descending score (as the COCO matching reads it).
 * @param isRanked whether scores count; otherwise all are 1 and the order of the file decides
 */
export function tableOf(
  columns: DetectionColumns,
  rows: Uint32Array,
  imageCount: number,
  categoryCount: number,
  isRanked = true,
): DetectionTable {
  const byImage = sortByKey(rows, columns.image, imageCount).rows;
  const sorted = sortByKey(byImage, columns.category, categoryCount).rows;
  if (isRanked) {
    for (let from = 0, to = 0; from < sorted.length; from = to) {
      const [image, category] = [columns.image[sorted[from]], columns.category[sorted[from]]];
      while (to < sorted.length && columns.image[sorted[to]] === image && columns.category[sorted[to]] === category)
        to++;
      sortByScore(sorted, from, to, columns.score);
    }
  }
  const count = sorted.length;
  const table: DetectionTable = {
    count,
    group: new Int32Array(count),
    image: new Int32Array(count),
    boxesXywh: new Float64Array(4 * count),
    area: new Float64Array(count),
    score: new Float64Array(count),
  };
  sorted.forEach((row, i) => {
    table.group[i] = columns.category[row];
    table.image[i] = columns.image[row];
    for (let side = 0; side < 4; side++) table.boxesXywh[4 * i + side] = columns.boxesXywh[4 * row + side];
    table.area[i] = columns.boxesXywh[4 * row + 2] * columns.boxesXywh[4 * row + 3];
    table.score[i] = isRanked ? columns.score[row] : 1;
  });
  return table;
}
