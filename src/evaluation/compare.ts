/**
 * Two runs of one suite side by side, and whether their difference means anything: samples are drawn again and again
 * with replacement (the bootstrap), the same ones for both runs, and both are scored on what was drawn.
 */

import { ChatRexError } from '../errors.ts';
import { createRandom } from '../random.ts';
import { measured } from './figures.ts';
import { groupBy } from './metrics/group-by.ts';
import { type RunPair, readRunPair, type SampleRows } from './run-pair.ts';
import type { RunRecord } from './run-record.ts';
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

/** A figure of some of the samples, of both runs; null where one could not be measured. */
export interface ComparedPart {
  readonly first: number | null;
  readonly second: number | null;
  readonly difference: number | null;
}

/** Figures by name, of each kind or category. */
export type ComparedGroups = Readonly<Record<string, Readonly<Record<string, ComparedPart>>>>;

export interface Comparison {
  readonly suite: string;
  readonly first: RunRecord;
  readonly second: RunRecord;
  /** Samples that both runs have rows of; the others take no part. */
  readonly samples: number;
  readonly leftOut: number;
  readonly resamples: number;
  readonly figures: readonly ComparedFigure[];
  readonly byKind: ComparedGroups;
  readonly byCategory: ComparedGroups;
}

const leastResamples = 100;
const tail = 0.025;

/** What is drawn together, of both runs. */
type Unit = readonly [first: SampleRows, second: SampleRows];

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
  const pair = await readRunPair(firstFolder, secondFolder);
  const [first, second] = [scorerOf(pair.first, firstFolder), scorerOf(pair.second, secondFolder)];
  return comparePair(pair, [await rowScorer(first), await rowScorer(second)], options);
}

/**
 * Compares two runs that were read, each with how its rows are scored.
 * @example const pair = await readRunPair('runs/a', 'runs/b');
 *   const { figures } = await comparePair(pair, [{ score: scorers.coco }, { score: scorers.coco }]);
 */
export async function comparePair(
  { first, second, samples, leftOut }: RunPair,
  sides: readonly [RowScorer, RowScorer],
  options: CompareOptions = {},
): Promise<Comparison> {
  const { unitOf } = sides[0];
  // What is drawn together: all rotations of one question, say.
  const units = groupBy(samples, (sample) => (unitOf ? unitOf(sample.first[0]) : sample.index));
  const drawn = [...units.values()].map((own): Unit => {
    return [own.flatMap((sample) => sample.first), own.flatMap((sample) => sample.second)];
  });
  return {
    suite: first.suite,
    first,
    second,
    samples: samples.length,
    leftOut,
    ...(await bootstrap(drawn, sides, options)),
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
  units: readonly Unit[],
  sides: readonly RowScorer[],
  { resamples = 1000, budgetMs = 60_000, seed = 1, signal, onProgress }: CompareOptions,
): Promise<Pick<Comparison, 'resamples' | 'figures' | 'byKind' | 'byCategory'>> {
  const scoreSides = (all: readonly Unit[]) =>
    Promise.all([0, 1].map((side) => sides[side].score(all.flatMap((unit) => unit[side]))));
  const [firstScore, secondScore] = await scoreSides(units);
  const whole = [firstScore, secondScore].map(flatFigures);
  // A run without a language model has no figures of its tasks.
  const names = Object.keys(whole[0]).filter((name) => whole.every((figures) => typeof figures[name] === 'number'));
  const drawn: number[][] = names.map(() => []);
  const random = createRandom(`evaluation/compare/${seed}`);
  const start = performance.now();
  let done = 0;
  while (done < resamples && !signal?.aborted) {
    if (done >= leastResamples && performance.now() - start > budgetMs) break;
    const chosen = units.map(() => units[random.int(0, units.length - 1)]);
    const scores = await scoreSides(
      chosen.map(([a, b], place): Unit => [copyOf(a, place, sides[0]), copyOf(b, place, sides[1])]),
    );
    const [first, second] = scores.map(flatFigures);
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
    byKind: compareGroups(firstScore.byKind, secondScore.byKind),
    byCategory: compareGroups(firstScore.byCategory ?? {}, secondScore.byCategory ?? {}),
  };
}

type Groups = Readonly<Record<string, Figures>>;

function compareGroups(first: Groups, second: Groups): ComparedGroups {
  const namesOf = (a: object = {}, b: object = {}) => [...new Set([...Object.keys(a), ...Object.keys(b)])];
  const groups = namesOf(first, second).map((group) => {
    const [a, b] = [first[group] ?? {}, second[group] ?? {}];
    return [group, Object.fromEntries(namesOf(a, b).map((name) => [name, comparePart(a[name], b[name])]))] as const;
  });
  return Object.fromEntries(groups);
}

function comparePart(a: number | null = null, b: number | null = null): ComparedPart {
  const [first, second] = [a, b].map((value) => (value === null ? null : measured(value)));
  return { first, second, difference: first === null || second === null ? null : second - first };
}

/** A sample that is drawn twice counts as two. */
const copyOf = (rows: SampleRows, place: number, { copyOf: ownCopy }: RowScorer): SampleRows =>
  rows.map((row) => (ownCopy ? ownCopy(row, place) : { ...row, sample: String(place), index: place }));

function intervalOf(values: readonly number[]): [number, number] {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  return [at(tail), at(1 - tail)];
}
