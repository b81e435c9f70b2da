/** Asks what a suite wants to know and has no row of, and writes each answer down as it comes. */

import type { Dataset } from '../datasets/dataset.ts';
import { ChatRexError } from '../errors.ts';
import { type Fault, latestRows, type Row, rowName } from './row.ts';
import { type RowStore, type Shard, wholeShard } from './rows-file.ts';
import { viewSample } from './sample-view.ts';
import type { Question, Suite } from './suite.ts';

export interface RunOptions<Subject, Truth, Answer> {
  readonly suite: Suite<Subject, Truth, Answer>;
  readonly data: Dataset;
  /** Opens the model; not called when every question has its answer. */
  open(): Promise<Subject>;
  readonly store: RowStore<Truth, Answer>;
  /** Samples of the data set, from its beginning; all by default. */
  readonly limit?: number;
  readonly shard?: Shard;
  /** Questions that are asked at once; 1 by default. */
  readonly concurrency?: number;
  /** Ends the run after the questions under way; what they answer is kept. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: RunProgress) => void;
}

export interface RunProgress {
  /** Samples of the shard that are done, and how many there are. */
  readonly done: number;
  readonly total: number;
  /** Questions asked in this run, and how many of them have a fault instead of an answer. */
  readonly asked: number;
  readonly failed: number;
}

export interface RunResult<Truth, Answer> extends RunProgress {
  /** Every row of the samples up to the limit, of all runs and shards, in the order of the data. */
  readonly rows: readonly Row<Truth, Answer>[];
  /** Questions that had an answer before. */
  readonly skipped: number;
  readonly isComplete: boolean;
}

/** A run whose first questions all fail has something wrong with it that asking on does not mend. */
const giveUpAfter = 20;

/**
 * Runs a suite: same model, data and options, same rows, whether at once or in pieces. Questions with a fault are asked
 * again, once per run.
 * @throws ChatRexError of the last question when the first 20 all failed; whatever `open` throws
 */
export async function runSuite<Subject, Truth, Answer>(
  options: RunOptions<Subject, Truth, Answer>,
): Promise<RunResult<Truth, Answer>> {
  const { suite, data, store, shard = wholeShard, concurrency = 1, signal, onProgress } = options;
  const size = Math.min(data.size, options.limit ?? data.size);
  const total = Math.max(0, Math.ceil((size - shard.index) / shard.of));
  const isDone = new Set(store.known.filter((row) => 'answer' in row).map(rowName));
  const fresh: Row<Truth, Answer>[] = [];
  const progress = { done: 0, total, asked: 0, failed: 0, skipped: 0 };
  let subject: Promise<Subject> | undefined;

  const keep = async (row: Row<Truth, Answer>) => {
    fresh.push(row);
    await store.append(row);
  };

  const finishSample = () => {
    progress.done++;
    onProgress?.({ ...progress });
  };

  /** The questions that have no answer yet, sample after sample. */
  async function* open(): AsyncGenerator<Pending<Subject, Truth, Answer>> {
    for (let index = shard.index; index < size && !signal?.aborted; index += shard.of) {
      yield* await pendingOf(index);
    }
  }

  const pendingOf = async (index: number): Promise<Pending<Subject, Truth, Answer>[]> => {
    const start = performance.now();
    let sample = `#${index}`;
    let questions: readonly Question<Subject, Truth, Answer>[];
    try {
      const view = await viewSample(data, index);
      sample = view.sample.id;
      questions = await suite.questions(view);
    } catch (error) {
      const fault = faultOf(error);
      const seconds = (performance.now() - start) / 1000;
      await keep({ sample, index, question: '', place: 0, seconds, fault });
      progress.failed++;
      finishSample();
      return [];
    }
    const pending = questions.flatMap((question, place) => {
      if (!isDone.has(rowName({ sample, question: question.key }))) return [{ sample, index, place, question }];
      progress.skipped++;
      return [];
    });
    const left = { count: pending.length };
    if (left.count === 0) finishSample();
    return pending.map((item) => ({ ...item, left }));
  };

  const ask = async ({ sample, index, place, question, left }: Pending<Subject, Truth, Answer>) => {
    subject ??= options.open();
    const asker = await subject;
    const key = { sample, index, question: question.key, place };
    const { truth } = question;
    let start = performance.now();
    const seconds = () => (performance.now() - start) / 1000;
    let row: Row<Truth, Answer>;
    try {
      await question.prepare?.(asker);
      start = performance.now();
      const answer = await question.ask(asker, signal);
      row = { ...key, seconds: seconds(), truth, answer };
    } catch (error) {
      row = { ...key, seconds: seconds(), truth, fault: faultOf(error) };
    }
    await keep(row);
    progress.asked++;
    if ('fault' in row) progress.failed++;
    if ('fault' in row && progress.failed === progress.asked && progress.asked >= giveUpAfter) {
      const advice = `the first ${progress.asked} questions all failed, the last with`;
      throw new ChatRexError('runtime', `${suite.name}: ${advice}: ${row.fault.message}`);
    }
    if (--left.count === 0) finishSample();
    else onProgress?.({ ...progress });
  };

  await inParallel(open(), concurrency, signal, ask);
  const rows = latestRows([...store.known, ...fresh]).filter(({ index }) => index < size);
  return { rows, ...progress, isComplete: progress.done === total };
}

interface Pending<Subject, Truth, Answer> {
  readonly sample: string;
  readonly index: number;
  readonly place: number;
  readonly question: Question<Subject, Truth, Answer>;
  /** Questions of the sample that are not done yet. */
  readonly left: { count: number };
}

/** What is wrong with a single sample or question is a row; a defect of ours, or the end of the run, is not. */
function faultOf(error: unknown): Fault {
  if (!(error instanceof ChatRexError) || error.code === 'aborted') throw error;
  return { code: error.code, message: error.message };
}

/** Works on the items, `count` at a time, until they end, one fails, or the signal comes. */
async function inParallel<Item>(
  items: AsyncGenerator<Item>,
  count: number,
  signal: AbortSignal | undefined,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  const worker = async () => {
    while (failure === undefined && !signal?.aborted) {
      const next = await items.next();
      if (next.done || signal?.aborted) return;
      await work(next.value);
    }
  };
  const guarded = () =>
    worker().catch((error: unknown) => {
      // Questions that were cancelled have no row: the next run asks them.
      const isCancelled = error instanceof ChatRexError && error.code === 'aborted' && signal?.aborted;
      if (!isCancelled) failure ??= { error };
    });
  await Promise.all(Array.from({ length: count }, guarded));
  if (failure !== undefined) throw failure.error;
}
