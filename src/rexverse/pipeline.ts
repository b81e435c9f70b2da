/**
 * Stages: pure functions from a stream of drafts to a stream of drafts, each replaceable.
 *
 * A draft that a stage filters or that fails in it travels on to the end of the pipeline with its ending; later stages
 * pass it through. So a stage sees each item once, and what goes in comes out.
 */

import type { Annotation, Entry, Item, StageName } from './annotation.ts';
import type { ItemCalls } from './models/calls.ts';

export type Ending =
  | { readonly state: 'filtered'; readonly stage: StageName; readonly reason: string; readonly detail?: string }
  | { readonly state: 'failed'; readonly stage: StageName; readonly error: unknown };

/** An item on its way. */
export interface Draft extends Annotation {
  readonly entry: Entry;
  readonly item: Item;
  /** Encoded bytes of the image file. */
  readonly bytes: Uint8Array;
  /** The model calls of this item, kept and counted. */
  readonly calls: ItemCalls;
  /** Ends the work on this item. */
  readonly signal: AbortSignal;
  readonly ending?: Ending;
}

export type Stage = (drafts: AsyncIterable<Draft>) => AsyncIterable<Draft>;

/** Thrown by a stage's work to leave an item out on purpose. */
export class Filtered extends Error {
  readonly reason: string;
  readonly detail: string | undefined;

  constructor(reason: string, detail?: string) {
    super(reason);
    this.reason = reason;
    this.detail = detail;
  }
}

/**
 * A stage that works on one item at a time, up to `concurrency` of them at once. Drafts leave in the order in which
 * they are finished. `onDone` hears of each item that the work was tried on.
 */
export function stage(
  name: StageName,
  work: (draft: Draft) => Promise<Draft>,
  { concurrency, onDone }: { concurrency: number; onDone?: (stage: StageName, draft: Draft) => void },
): Stage {
  const step = async (draft: Draft): Promise<Draft> => {
    if (draft.ending) return draft;
    const next = await work(draft).catch((error: unknown): Draft => ({ ...draft, ending: endingOf(name, error) }));
    onDone?.(name, next);
    return next;
  };
  return (drafts) => mapConcurrent(drafts, concurrency, step);
}

function endingOf(stage: StageName, error: unknown): Ending {
  if (error instanceof Filtered) {
    const { reason, detail } = error;
    return { state: 'filtered', stage, reason, ...(detail !== undefined && { detail }) };
  }
  return { state: 'failed', stage, error };
}

/** Stages one after another. */
export function pipeline(stages: readonly Stage[]): Stage {
  return (drafts) => stages.reduce((stream, next) => next(stream), drafts);
}

/** `map` of up to `concurrency` values at once; results come as they are ready. A failure of `map` ends the stream. */
export async function* mapConcurrent<From, To>(
  values: AsyncIterable<From>,
  concurrency: number,
  map: (value: From) => Promise<To>,
): AsyncGenerator<To> {
  const source = values[Symbol.asyncIterator]();
  const ready: To[] = [];
  let failure: { error: unknown } | undefined;
  let running = 0;
  let isEnded = false;
  let isPulling = false;
  // A call, not a race of promises: a race leaves something behind with each promise that lost it.
  let wake = () => {};
  const fail = (error: unknown) => {
    failure ??= { error };
  };
  const work = async (value: From) => {
    running++;
    try {
      ready.push(await map(value));
    } catch (error) {
      fail(error);
    }
    running--;
    wake();
  };
  const pull = async () => {
    isPulling = true;
    try {
      const next = await source.next();
      if (next.done) isEnded = true;
      else void work(next.value);
    } catch (error) {
      fail(error);
    }
    isPulling = false;
    wake();
  };
  try {
    for (;;) {
      while (ready.length > 0) yield ready.shift() as To;
      if (failure) throw failure.error;
      if (isEnded && running === 0) return;
      if (!isEnded && !isPulling && running < concurrency) void pull();
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    // The source may be waiting for its next value; nobody waits for it to hear that no more are wanted.
    void source.return?.();
  }
}
