/** Times of training steps, ours and PyTorch's, as the benchmarks print them. */

export interface StepTime {
  /** Milliseconds on the wall. */
  readonly wall: number;
  /** Milliseconds of all threads together. */
  readonly processor: number;
}

export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1];
const best = (values: readonly number[]): number => Math.min(...values);

export function describeTimes(times: readonly StepTime[], peakMegabytes: number): string {
  const walls = times.map(({ wall }) => wall);
  const processor = median(times.map((time) => time.processor));
  const parts = [`median ${median(walls).toFixed(0)} ms`, `best ${best(walls).toFixed(0)} ms`];
  return [...parts, `processor ${processor.toFixed(0)} ms`, `peak ${peakMegabytes.toFixed(0)} MB`].join(', ');
}

/** Ours over PyTorch's. */
export function describeRatios(ours: readonly StepTime[], theirs: readonly StepTime[]): string {
  const ratio = (of: (list: readonly number[]) => number, what: keyof StepTime) =>
    (of(ours.map((time) => time[what])) / of(theirs.map((time) => time[what]))).toFixed(2);
  const ratios = `median ${ratio(median, 'wall')}, best ${ratio(best, 'wall')}, processor ${ratio(median, 'processor')}`;
  return `${ratios} (ours / PyTorch)`;
}
