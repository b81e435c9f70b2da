/**
 * The optimal assignment of queries to targets (the Hungarian matching of DETR, Carion et al. 2020, section 3.1; paper
 * section 3.1). Shortest augmenting paths with dual prices (Jonker & Volgenant 1987; rectangles as in Crouse 2016).
 * Agrees with `scipy.optimize.linear_sum_assignment`: same total, and the same pairs wherever the optimum is unique.
 */

import { ChatRexError } from '../errors.ts';

/** Pair p assigns row `rows[p]` to column `columns[p]`; rows ascend. */
export interface Assignment {
  rows: Int32Array;
  columns: Int32Array;
}

/**
 * Picks min(rows, columns) entries of least total cost, no two in one row or column.
 * @param cost row-major [rows, columns]; +Infinity forbids a pair.
 * @throws ChatRexError `invalid-shape` when `cost` has another size; `invalid-argument` on NaN or -Infinity, or when
 *   the
 * forbidden pairs leave no complete assignment.
 */
export function linearSumAssignment(cost: Float64Array | Float32Array, rows: number, columns: number): Assignment {
  checkCost(cost, rows, columns);
  if (rows <= columns) {
    const columnOfRow = assignEveryRow(cost, rows, columns);
    return { rows: Int32Array.from(columnOfRow.keys()), columns: columnOfRow };
  }
  const rowOfColumn = assignEveryRow(transpose(cost, rows, columns), columns, rows);
  const byRow = Int32Array.from(rowOfColumn.keys()).sort((a, b) => rowOfColumn[a] - rowOfColumn[b]);
  return { rows: byRow.map((column) => rowOfColumn[column]), columns: byRow };
}

/**
 * The column of each row, for rows <= columns. Invariant: `cost[i,j] - rowPrice[i] - columnPrice[j] >= 0`, with
 * equality on assigned pairs, and unassigned columns have price 0. Each round adds one row along the cheapest
 * alternating path to a free column.
 */
function assignEveryRow(cost: Float64Array | Float32Array, rows: number, columns: number): Int32Array {
  const rowPrice = new Float64Array(rows);
  const columnPrice = new Float64Array(columns);
  const columnOfRow = new Int32Array(rows).fill(-1);
  const rowOfColumn = new Int32Array(columns).fill(-1);
  const distance = new Float64Array(columns);
  const previousRow = new Int32Array(columns);
  // The first `reached` entries are columns whose distance is final, in the order they were reached; the rest are open.
  const order = Int32Array.from({ length: columns }, (_, column) => column);

  for (let start = 0; start < rows; start++) {
    distance.fill(Infinity);
    let reached = 0;
    let row = start;
    let least = 0;
    let sink = -1;
    while (sink < 0) {
      const offset = row * columns;
      const base = least - rowPrice[row];
      let nearest = Infinity;
      let nearestAt = -1;
      for (let at = reached; at < columns; at++) {
        const column = order[at];
        const through = base + cost[offset + column] - columnPrice[column];
        if (through < distance[column]) {
          distance[column] = through;
          previousRow[column] = row;
        }
        // Of equally near columns a free one ends the search at once.
        if (distance[column] < nearest || (distance[column] === nearest && rowOfColumn[column] < 0)) {
          nearest = distance[column];
          nearestAt = at;
        }
      }
      if (nearest === Infinity) throw infeasible(start);
      least = nearest;
      const column = order[nearestAt];
      order[nearestAt] = order[reached];
      order[reached++] = column;
      if (rowOfColumn[column] < 0) sink = column;
      else row = rowOfColumn[column];
    }

    rowPrice[start] += least;
    for (let at = 0; at < reached - 1; at++) {
      const column = order[at];
      rowPrice[rowOfColumn[column]] += least - distance[column];
      columnPrice[column] -= least - distance[column];
    }
    for (let column = sink; column >= 0; ) {
      const owner = previousRow[column];
      const freed = columnOfRow[owner];
      rowOfColumn[column] = owner;
      columnOfRow[owner] = column;
      column = owner === start ? -1 : freed;
    }
  }
  return columnOfRow;
}

function transpose(cost: Float64Array | Float32Array, rows: number, columns: number): Float64Array | Float32Array {
  const out = cost.slice();
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) out[column * rows + row] = cost[at++];
  }
  return out;
}

function checkCost(cost: Float64Array | Float32Array, rows: number, columns: number): void {
  if (cost.length !== rows * columns) {
    throw new ChatRexError(
      'invalid-shape',
      `assignment: expected ${rows} x ${columns} = ${rows * columns} costs, got ${cost.length}`,
    );
  }
  for (let at = 0; at < cost.length; at++) {
    if (Number.isNaN(cost[at]) || cost[at] === -Infinity) {
      const [row, column] = [Math.floor(at / columns), at % columns];
      throw new ChatRexError(
        'invalid-argument',
        `assignment: expected finite costs or +Infinity, got ${cost[at]} at row ${row}, column ${column}`,
      );
    }
  }
}

function infeasible(row: number): ChatRexError {
  return new ChatRexError(
    'invalid-argument',
    `assignment: the forbidden pairs leave no partner for entry ${row} of the shorter side; allow more pairs`,
  );
}
