import { expect, test } from 'vitest';
import type { Metrics } from '../metrics.ts';
import type { GradientSource } from '../run.ts';
import type { Ranks } from './mpi.ts';
import { RankGradients } from './rank-gradients.ts';

/** Ranks in one process: each call waits for that of all others. */
function ranksHere(size: number): Ranks[] {
  const meet = <T>() => {
    let held: T[] = [];
    let [together, meetAll] = promise<T[]>();
    return (rank: number, value: T): Promise<T[]> => {
      held[rank] = value;
      const result = together;
      if (Object.keys(held).length === size) {
        meetAll(held);
        held = [];
        [together, meetAll] = promise<T[]>();
      }
      return result;
    };
  };
  const [sums, texts] = [meet<Float32Array>(), meet<string>()];
  return Array.from({ length: size }, (_, rank) => ({
    rank,
    size,
    sum: async (values) => {
      const all = await sums(rank, values.slice());
      values.forEach((_, i) => {
        values[i] = all.reduce((sum, of) => sum + of[i], 0);
      });
    },
    gather: (text) => texts(rank, text),
  }));
}

function promise<T>(): [Promise<T>, (value: T) => void] {
  let resolve: (value: T) => void = () => {};
  return [new Promise<T>((done) => (resolve = done)), (value) => resolve(value)];
}

const sourceOf = (gradients: Record<string, number[]>, metrics: Metrics): GradientSource => ({
  computeGradients: async () => ({
    gradients: new Map(Object.entries(gradients).map(([name, values]) => [name, Float32Array.from(values)])),
    metrics,
  }),
  stop: async () => {},
});

const settled = { wantsStop: () => false, stop: () => {} };

test('gradients and metrics are means over the ranks, the same on each; NaN stays NaN', async () => {
  const own = [
    sourceOf({ a: [1, 2], b: [3] }, { loss: 1, boxes: 4, broken: 1 }),
    sourceOf({ a: [3, -2], b: [5] }, { loss: 2, boxes: 5, broken: Number.NaN }),
  ];
  const sources = ranksHere(2).map((ranks, rank) => new RankGradients(own[rank], ranks, settled));
  for (const step of [0, 1]) {
    const results = await Promise.all(sources.map((source) => source.computeGradients(step)));
    for (const { gradients, metrics } of results) {
      expect([...gradients]).toEqual([
        ['a', Float32Array.of(2, 0)],
        ['b', Float32Array.of(4)],
      ]);
      expect(metrics).toEqual({ loss: 1.5, boxes: 4.5, broken: Number.NaN });
    }
  }
});

test('when one rank wants to stop, all are told in the same step', async () => {
  const stopped: number[] = [];
  let isInterrupted = false;
  const sources = ranksHere(3).map(
    (ranks, rank) =>
      new RankGradients(sourceOf({ a: [1] }, {}), ranks, {
        wantsStop: () => rank === 1 && isInterrupted,
        stop: () => stopped.push(rank),
      }),
  );
  const compute = (step: number) => Promise.all(sources.map((source) => source.computeGradients(step)));
  await compute(0);
  expect(stopped).toEqual([]);
  isInterrupted = true;
  await compute(1);
  expect(stopped.sort()).toEqual([0, 1, 2]);
});

test('ranks that have not read one checkpoint are told so', async () => {
  const sources = ranksHere(2).map((ranks) => new RankGradients(sourceOf({ a: [1] }, {}), ranks, settled));
  const results = await Promise.allSettled(sources.map((source, rank) => source.computeGradients(7 * rank)));
  for (const result of results) {
    const { reason } = result as PromiseRejectedResult;
    expect(reason.message).toBe(
      'rank 0 is at step 0 and rank 1 at step 7: put the run folder on a disk that all share',
    );
  }
});
