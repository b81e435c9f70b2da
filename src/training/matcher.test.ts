import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linearSumAssignment } from './matcher.ts';

interface Case {
  rows: number;
  columns: number;
  cost: (number | 'inf')[];
  hasTies?: boolean;
  expected?: 'infeasible' | { rows: number[]; columns: number[]; total: number };
  expectedCosts?: number[];
  isMaximization?: boolean;
}

const root = new URL('../../', import.meta.url);
const readCases = (path: string): Case[] => JSON.parse(readFileSync(new URL(path, root), 'utf8')).cases;
const toCost = (cost: Case['cost']) => Float64Array.from(cost, (value) => (value === 'inf' ? Infinity : value));

function totalOf(
  cost: ArrayLike<number>,
  columns: number,
  assignment: { rows: Int32Array; columns: Int32Array },
): number {
  return assignment.rows.reduce((sum, row, pair) => sum + cost[row * columns + assignment.columns[pair]], 0);
}

describe('linearSumAssignment equals scipy', () => {
  const cases = [
    ...readCases('fixtures/metrics/assignment-scipy.json'),
    ...readCases('fixtures/metrics/assignment.json'),
  ];
  it.each(cases.map((entry, index) => ({ ...entry, index })))('case $index: $rows x $columns', (entry) => {
    const { rows, columns, expected } = entry;
    const sign = entry.isMaximization ? -1 : 1;
    const cost = toCost(entry.cost).map((value) => sign * value);
    if (expected === 'infeasible') {
      expect(() => linearSumAssignment(cost, rows, columns)).toThrow('forbidden pairs');
      return;
    }
    const found = linearSumAssignment(cost, rows, columns);
    if (entry.expectedCosts) {
      expect(Array.from(found.rows, (row, pair) => sign * cost[row * columns + found.columns[pair]])).toEqual(
        entry.expectedCosts,
      );
    } else if (expected) {
      expect(totalOf(cost, columns, found)).toBeCloseTo(expected.total, 9);
      if (!entry.hasTies)
        expect({ rows: [...found.rows], columns: [...found.columns] }).toMatchObject(subset(expected));
    }
  });

  const large = new URL('../shared/reference/metrics/linear_sum_assignment_cases.json', root);
  it.skipIf(!existsSync(large))('on the large reference matrices', () => {
    const { cases: all } = JSON.parse(readFileSync(large, 'utf8'));
    const largeCases = all.filter((entry: { origin: string }) => entry.origin === 'random-large');
    expect(largeCases.length).toBeGreaterThan(0);
    for (const { cost, row, col, total } of largeCases) {
      const columns = cost[0].length;
      const flat = toCost(cost.flat());
      const found = linearSumAssignment(flat, cost.length, columns);
      expect(totalOf(flat, columns, found)).toBeCloseTo(total, 9);
      expect([[...found.rows], [...found.columns]]).toEqual([row, col]);
    }
  });
});

const subset = ({ rows, columns }: { rows: number[]; columns: number[] }) => ({ rows, columns });

describe('linearSumAssignment', () => {
  it('assigns nothing when a side is empty', () => {
    for (const [rows, columns] of [
      [0, 0],
      [0, 5],
      [5, 0],
    ]) {
      const found = linearSumAssignment(new Float32Array(0), rows, columns);
      expect([found.rows.length, found.columns.length]).toEqual([0, 0]);
    }
  });

  it('is optimal, complete and one-to-one', () => {
    const matrices = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 })).chain(([rows, columns]) =>
      fc.record({
        rows: fc.constant(rows),
        columns: fc.constant(columns),
        cost: fc.array(fc.integer({ min: -20, max: 20 }), { minLength: rows * columns, maxLength: rows * columns }),
      }),
    );
    fc.assert(
      fc.property(matrices, ({ rows, columns, cost }) => {
        const found = linearSumAssignment(Float32Array.from(cost), rows, columns);
        expect(found.rows).toHaveLength(Math.min(rows, columns));
        expect([...found.rows]).toEqual([...new Set(found.rows)].sort((a, b) => a - b));
        expect(new Set(found.columns).size).toBe(found.columns.length);
        expect(totalOf(cost, columns, found)).toBe(leastTotal(cost, rows, columns));
      }),
    );
  });

  it('leaves its input alone', () => {
    const cost = Float64Array.from([3, 1, 2, 2, 4, 6]);
    linearSumAssignment(cost, 3, 2);
    expect([...cost]).toEqual([3, 1, 2, 2, 4, 6]);
  });

  it('says what is wrong with bad input', () => {
    expect(() => linearSumAssignment(new Float64Array(5), 2, 3)).toThrow('2 x 3 = 6 costs, got 5');
    expect(() => linearSumAssignment(Float64Array.of(1, 2, Number.NaN, 4), 2, 2)).toThrow('NaN at row 1, column 0');
    expect(() => linearSumAssignment(Float64Array.of(1, -Infinity), 1, 2)).toThrow('-Infinity at row 0, column 1');
    expect(() => linearSumAssignment(Float64Array.of(1, Infinity, 2, Infinity), 2, 2)).toThrow('forbidden pairs');
  });
});

/** The optimum by trying everything. */
function leastTotal(cost: number[], rows: number, columns: number): number {
  const search = (row: number, used: number, left: number): number => {
    if (left === 0) return 0;
    // A row may be skipped only while enough rows remain to use up `left`.
    let best = rows - row > left ? search(row + 1, used, left) : Infinity;
    for (let column = 0; column < columns; column++) {
      if (used & (1 << column)) continue;
      best = Math.min(best, cost[row * columns + column] + search(row + 1, used | (1 << column), left - 1));
    }
    return best;
  };
  return search(0, 0, Math.min(rows, columns));
}

it('a row that no column suits is named', () => {
  const cost = Float64Array.of(0, 1, Infinity, Infinity, 2, 3);
  expect(() => linearSumAssignment(cost, 3, 2)).not.toThrow();
  expect(() => linearSumAssignment(Float64Array.of(0, 1, Infinity, Infinity), 2, 2)).toThrow(/entry 1/);
});
