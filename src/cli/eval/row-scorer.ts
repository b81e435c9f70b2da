/** How the rows of a run's folder are scored without a model, whatever its suite. */

import { ChatRexError } from '../../errors.ts';
import { scoreLvisDetections } from '../../evaluation/data-suites/coco.ts';
import { type RegionRow, scoreRegionRows } from '../../evaluation/data-suites/regions.ts';
import type { LvisCap } from '../../evaluation/metrics/lvis.ts';
import { askedSuiteNamed, askedSuites } from '../../evaluation/question-suites/asked-suites.ts';
import type { RunRecord } from '../../evaluation/run-record.ts';
import { type RowScorer, scorers } from '../../evaluation/scorers.ts';
import { fixedCap } from '../../evaluation/suites/detection.ts';
import type { EncodeTexts } from '../../evaluation/suites/regions.ts';
import { SentenceEncoder } from '../../language/sentence-encoder.ts';
import { questionRowScorer } from './question-scores.ts';
import { worldRowScorer } from './world.ts';

export type RowScorerOf = (run: RunRecord, folder: string) => Promise<RowScorer>;

/** Gives a scorer of each run's rows, and closes afterwards what they opened. */
export async function closing<Result>(use: (scorerOf: RowScorerOf) => Promise<Result>): Promise<Result> {
  const opened: { dispose(): Promise<void> }[] = [];
  try {
    return await use((run, folder) => rowScorerOf(run, folder, opened));
  } finally {
    for (const one of opened) await one.dispose();
  }
}

/** @throws ChatRexError 'invalid-argument' for a suite whose rows cannot be scored by themselves */
async function rowScorerOf(
  { suite, scoring = {} }: RunRecord,
  folder: string,
  opened: { dispose(): Promise<void> }[],
): Promise<RowScorer> {
  const asked = askedSuiteNamed(suite);
  if (asked) return questionRowScorer(asked, folder, scoring);
  if (suite === 'world') return worldRowScorer;
  if (suite === 'lvis') return { score: (rows) => scoreLvisDetections(rows, capOf(scoring)) };
  if (suite === 'regions' && typeof scoring.encoder === 'string') {
    const encoder = await SentenceEncoder.load(scoring.encoder);
    opened.push(encoder);
    return { score: (rows) => scoreRegionRows(rows as readonly RegionRow[], remembering(encoder)) };
  }
  if (Object.hasOwn(scorers, suite)) return { score: scorers[suite] };
  const names = [...Object.keys(scorers), ...askedSuites.map(({ name }) => name), 'world'].join(', ');
  throw new ChatRexError(
    'invalid-argument',
    `rows of the suite '${suite}' cannot be scored here; those of ${names} can`,
  );
}

/** What `--fixed` and `--per-class` said. */
function capOf({ perClass }: Readonly<Record<string, unknown>>): LvisCap | undefined {
  return typeof perClass === 'number' ? fixedCap(perClass) : undefined;
}

/** Encodes each text once: samples that are drawn again and again have the same names. */
function remembering(encoder: SentenceEncoder): EncodeTexts {
  const known = new Map<string, Float32Array>();
  return async (texts) => {
    const fresh = texts.filter((text) => !known.has(text));
    const vectors = fresh.length === 0 ? [] : await encoder.encode(fresh);
    fresh.forEach((text, i) => {
      known.set(text, vectors[i]);
    });
    return texts.map((text) => known.get(text)!);
  };
}
