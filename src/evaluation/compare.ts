/**
 * Two runs of one suite side by side, and whether their difference means anything: samples are drawn again and again
 * with replacement (the bootstrap), the same ones for both runs, and both are scored on what was drawn.
 */

import { ChatRexError } from '../errors.ts';
import { createRandom } from '../random.ts';
import { groupBy } from './metrics/group-by.ts';
import type { Row } from './row.ts';
import { readRows } from './rows-file.ts';
import { type RunRecord, readRunRecord } from './run-record.ts';
import type { RowScorer, Scorer } from './scorers.ts';
import type { SuiteFigures } from './suite.ts';
import type { Figures } from './suites/suite-score.ts';

export interface CompareOptions {
  /** How many times samples are drawn; 1,000 by default. */
  readonly resamples?: number;
  /** Drawing ends after this time, at the earliest after 100 times; a minute by default. */
  readonly budgetMs?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number) => void;
}

export interface ComparedFigure {
  readonly name: string;
  readonly first: number;
  readonly second: number;
  /** Second minus first. */
  readonly difference: number;
  /** 95 of 100 drawn differences lie between the two. */
  readonly interval: readonly [low: number, high: number];
  /** Whether 0 lies outside the interval. */
  readonly isMeaningful: boolean;
}

export interface Comparison {
  readonly suite: string;
  readonly first: RunRecord;
  readonly second: RunRecord;
  /** Samples that both runs have rows of; the others take no part. */
  readonly samples: number;
  readonly leftOut: number;
  readonly resamples: number;
  readonly figures: readonly ComparedFigure[];
}

const leastResamples = 100;
const tail = 0.025;

type SampleRows = readonly Row<never, never>[];
type Pair = readonly [first: SampleRows, second: SampleRows];

/**
 * Compares the runs of two folders.
 * @throws ChatRexError 'invalid-argument' for runs of different suites or data, or without a common sample
 * @example const { figures } = await compareRuns('runs/a', 'runs/b', ({ suite }) => scorers[suite]);
 */
export async function compareRuns(
  firstFolder: string,
  secondFolder: string,
  scorerOf: (run: RunRecord, folder: string) => Scorer | RowScorer | Promise<RowScorer>,
  options: CompareOptions = {},
): Promise<Comparison> {
  const [first, second] = [await readRunRecord(firstFolder), await readRunRecord(secondFolder)];
  if (first.suite !== second.suite || first.data.fingerprint !== second.data.fingerprint) {
    const shown = ({ suite, data }: RunRecord) => `${suite} on ${data.name} (${data.fingerprint.slice(0, 8)})`;
    const message = `${shown(first)} and ${shown(second)} are not of the same suite and data`;
    throw new ChatRexError('invalid-argument', `${message}; compare runs of the same`);
  }
  const rows = await Promise.all([firstFolder, secondFolder].map((folder) => readRows<never, never>(folder)));
  const [firstRows, secondRows] = rows.map((own) => groupBy(own, ({ index }) => index));
  const common = [...firstRows.keys()].filter((index) => secondRows.has(index));
  if (common.length === 0) {
    throw new ChatRexError('invalid-argument', `${firstFolder} and ${secondFolder} have no sample in common`);
  }
  const sides = await Promise.all([rowScorer(scorerOf(first, firstFolder)), rowScorer(scorerOf(second, secondFolder))]);
  const { unitOf } = sides[0];
  // What is drawn together: all rotations of one question, say.
  const units = groupBy(common, (index) => (unitOf ? unitOf(firstRows.get(index)![0]) : index));
  const pairs = [...units.values()].map((indices): Pair => {
    const of = (own: ReadonlyMap<number, SampleRows>) => indices.flatMap((index) => own.get(index)!);
    return [of(firstRows), of(secondRows)];
  });
  return {
    suite: first.suite,
    first,
    second,
    samples: common.length,
    leftOut: firstRows.size + secondRows.size - 2 * common.length,
    ...(await bootstrap(pairs, sides, options)),
  };
}

const rowScorer = async (scorer: Scorer | RowScorer | Promise<RowScorer>): Promise<RowScorer> => {
  const awaited = await scorer;
  return typeof awaited === 'function' ? { score: awaited } : awaited;
};

/** Figures by name; those by kind where the suite has no others. */
function flatFigures({ figures, byKind }: SuiteFigures): Figures {
  if (Object.keys(figures).length > 0) return figures;
  const named = Object.entries(byKind).flatMap(([kind, own]) =>
    Object.entries(own).map(([name, value]) => [`${kind}: ${name}`, value] as const),
  );
  return Object.fromEntries(named);
}

async function bootstrap(
  pairs: readonly Pair[],
  sides: readonly RowScorer[],
  { resamples = 1000, budgetMs = 60_000, seed = 1, signal, onProgress }: CompareOptions,
): Promise<Pick<Comparison, 'resamples' | 'figures'>> {
  const scoreSides = (all: readonly Pair[]) =>
    Promise.all([0, 1].map(async (side) => flatFigures(await sides[side].score(all.flatMap((pair) => pair[side])))));
  const whole = await scoreSides(pairs);
  const names = Object.keys(whole[0]).filter((name) => whole[0][name] !== null && whole[1][name] !== null);
  const drawn: number[][] = names.map(() => []);
  const random = createRandom(`evaluation/compare/${seed}`);
  const start = performance.now();
  let done = 0;
  while (done < resamples && !signal?.aborted) {
    if (done >= leastResamples && performance.now() - start > budgetMs) break;
    const chosen = pairs.map(() => pairs[random.int(0, pairs.length - 1)]);
    const [first, second] = await scoreSides(
      chosen.map(([a, b], place): Pair => [copyOf(a, place, sides[0]), copyOf(b, place, sides[1])]),
    );
    names.forEach((name, at) => {
      const [a, b] = [first[name], second[name]];
      if (typeof a === 'number' && typeof b === 'number') drawn[at].push(b - a);
    });
    done++;
    onProgress?.(done);
    // Lets a signal come through.
    if (done % 10 === 0) await new Promise(setImmediate);
  }
  if (signal?.aborted) throw new ChatRexError('aborted', 'comparing was interrupted');
  return {
    resamples: done,
    figures: names.map((name, at): ComparedFigure => {
      const [a, b] = whole.map((figures) => figures[name]!);
      const interval = intervalOf(drawn[at]);
      return {
        ...{ name, first: a, second: b, difference: b - a, interval },
        isMeaningful: interval[0] > 0 || interval[1] < 0,
      };
    }),
  };
}

/** A sample that is drawn twice counts as two. */
const copyOf = (rows: SampleRows, place: number, { copyOf: ownCopy }: RowScorer): SampleRows =>
  rows.map((row) => (ownCopy ? ownCopy(row, place) : { ...row, sample: String(place), index: place }));

function intervalOf(values: readonly number[]): [number, number] {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  return [at(tail), at(1 - tail)];
}
