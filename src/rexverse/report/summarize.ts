/** What a run did: how many entries went into each stage and came out, why others were left out, and what it cost. */

import { join } from 'node:path';
import { type Outcome, type StageName, stageNames } from '../annotation.ts';
import { readLines } from '../journal.ts';
import { outcomesOf } from '../outcomes.ts';
import { readRunFile, runFolders } from '../run-folder.ts';
import { costOf, type Price } from '../work/limiter.ts';
import { callsOf } from './spent.ts';

export interface StageReport {
  readonly in: number;
  readonly out: number;
  readonly filtered: Readonly<Record<string, number>>;
  readonly failed: Readonly<Record<string, number>>;
  /** Parts of items that were left out: phrases, boxes, descriptions. */
  readonly dropped: Readonly<Record<string, number>>;
  readonly calls: number;
  readonly tokens: { readonly input: number; readonly output: number };
  /** Of waiting for models, all calls together. */
  readonly seconds: number;
  readonly cost: number;
}

export interface RunReport {
  readonly entries: number;
  readonly done: number;
  readonly filtered: number;
  readonly failed: number;
  readonly left: number;
  readonly stages: Readonly<Record<StageName, StageReport>>;
  /** What was annotated. */
  readonly yield: {
    readonly captions: number;
    readonly phrases: number;
    readonly absentPhrases: number;
    readonly regions: number;
    readonly categories: number;
    readonly shortPhrases: number;
    readonly descriptions: number;
    readonly referring: number;
    readonly conversations: number;
  };
  readonly calls: { readonly made: number; readonly foundAgain: number };
  readonly models: Readonly<
    Record<string, { calls: number; input: number; output: number; seconds: number; cost: number }>
  >;
  readonly cost: number;
  /** At work, all sessions together. */
  readonly seconds: number;
}

type Counts = Record<string, number>;

interface StageTotals {
  ended: number;
  filtered: Counts;
  failed: Counts;
  dropped: Counts;
  calls: number;
  tokens: { input: number; output: number };
  seconds: number;
  cost: number;
}

/** A run folder, or one with the folders of its shards. */
export async function summarizeRun(folder: string, prices: Readonly<Record<string, Price>> = {}): Promise<RunReport> {
  const stages = Object.fromEntries(stageNames.map((name) => [name, emptyTotals()])) as Record<StageName, StageTotals>;
  const counts = { done: 0, filtered: 0, failed: 0 };
  const found = {
    captions: 0,
    phrases: 0,
    absentPhrases: 0,
    regions: 0,
    categories: 0,
    shortPhrases: 0,
    descriptions: 0,
  };
  const total = { ...found, referring: 0, conversations: 0 };
  for await (const { outcome } of outcomesOf(folder)) {
    counts[outcome.state]++;
    addOutcome(stages, outcome);
    if (outcome.state === 'done') addYield(total, outcome);
  }
  const models: Record<string, { calls: number; input: number; output: number; seconds: number; cost: number }> = {};
  let [entries, seconds, made, foundAgain] = [0, 0, 0, 0];
  for (const run of await runFolders(folder)) {
    entries += (await readRunFile(run))?.entries ?? 0;
    for await (const { value } of readLines<{ seconds: number; reused: number }>(join(run, 'sessions.jsonl'))) {
      seconds += value.seconds;
      foundAgain += value.reused;
    }
    for await (const { key, stage, model, usage, seconds: took } of callsOf(run)) {
      const cost = costOf(new Map([[model, usage]]), prices);
      if (key !== undefined) made++;
      const known = models[model] ?? { calls: 0, input: 0, output: 0, seconds: 0, cost: 0 };
      models[model] = known;
      for (const one of [known, stages[stage]]) {
        one.calls++;
        one.seconds += took;
        one.cost += cost;
      }
      known.input += usage.input;
      known.output += usage.output;
      stages[stage].tokens.input += usage.input;
      stages[stage].tokens.output += usage.output;
    }
  }
  const ended = counts.done + counts.filtered + counts.failed;
  const cost = Object.values(models).reduce((sum, one) => sum + one.cost, 0);
  return {
    ...{ entries, ...counts, left: entries - ended, stages: flow(stages, ended), yield: total },
    ...{ calls: { made, foundAgain }, models, cost, seconds },
  };
}

function emptyTotals(): StageTotals {
  return {
    ended: 0,
    filtered: {},
    failed: {},
    dropped: {},
    calls: 0,
    tokens: { input: 0, output: 0 },
    seconds: 0,
    cost: 0,
  };
}

function addOutcome(stages: Record<StageName, StageTotals>, outcome: Outcome): void {
  if (outcome.state === 'done') {
    for (const { stage, reason } of outcome.annotation.dropped) increment(stages[stage].dropped, reason);
    return;
  }
  const totals = stages[outcome.stage];
  totals.ended++;
  increment(outcome.state === 'filtered' ? totals.filtered : totals.failed, outcome.reason);
}

function addYield(total: Record<keyof RunReport['yield'], number>, outcome: Extract<Outcome, { state: 'done' }>): void {
  const { texts, regions } = outcome.annotation;
  const phrases = texts.flatMap((text) => text.phrases);
  const regionsOf = (kind: string) =>
    new Set(phrases.filter((one) => one.kind === kind).flatMap((one) => one.regions)).size;
  total.captions += texts.filter(({ question }) => question === undefined).length;
  total.conversations += texts.some(({ question }) => question !== undefined) ? 1 : 0;
  total.phrases += phrases.length;
  total.absentPhrases += phrases.filter((one) => one.regions.length === 0).length;
  total.regions += regions.length;
  total.categories += regionsOf('category');
  total.shortPhrases += regionsOf('descriptive');
  total.descriptions += regions.filter(({ description }) => description !== undefined).length;
  total.referring += regions.filter(({ referring }) => referring !== undefined).length;
}

function increment(counts: Counts, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

/** What goes into each stage is what came out of the one before. */
function flow(stages: Record<StageName, StageTotals>, ended: number): Record<StageName, StageReport> {
  let left = ended;
  const reports = {} as Record<StageName, StageReport>;
  for (const name of stageNames) {
    const { ended: endedHere, seconds, ...rest } = stages[name];
    reports[name] = { in: left, out: left - endedHere, ...rest, seconds: Math.round(seconds * 1000) / 1000 };
    left -= endedHere;
  }
  return reports;
}
