/** The form of a measure: records of scene after scene, then figures. */

/** Figures by name, 0 to 1 unless the name says otherwise; null where nothing was there to measure. */
export type Figures = Readonly<Record<string, number | null>>;

/** What is measured of `Input`, something that a model makes of one scene. */
export interface Measure<Input, Row> {
  observe(input: Input): Row[] | Promise<Row[]>;
  score(rows: readonly Row[]): Figures;
}

/** A measure under way. */
export interface RunningMeasure<Input> {
  observe(input: Input): Promise<void>;
  result(): { count: number; seconds: number; figures: Figures };
}

/** Keeps the rows and the time that they took. */
export function startMeasure<Input, Row>({ observe, score }: Measure<Input, Row>): RunningMeasure<Input> {
  const rows: Row[] = [];
  let milliseconds = 0;
  return {
    observe: async (input) => {
      const start = performance.now();
      rows.push(...(await observe(input)));
      milliseconds += performance.now() - start;
    },
    result: () => ({ count: rows.length, seconds: milliseconds / 1000, figures: score(rows) }),
  };
}

/** Evaluators say -1 where there is nothing to find. */
export function measured(value: number): number | null {
  return value === -1 ? null : value;
}

/** Share of the rows for which something holds; null without rows. */
export function share<Row>(rows: readonly Row[], holds: (row: Row) => boolean): number | null {
  return rows.length === 0 ? null : rows.filter(holds).length / rows.length;
}
