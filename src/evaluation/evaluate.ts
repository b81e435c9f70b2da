/** An evaluation from the first question to the figures, in a folder that a later run continues. */

import { join } from 'node:path';
import { ChatRexError } from '../errors.ts';
import { writeAll, writeBeside } from '../files.ts';
import type { Row } from './row.ts';
import { memoryRows, openRows } from './rows-file.ts';
import { claimRun, createRunRecord, type RunRecord } from './run-record.ts';
import { type RunOptions, type RunResult, runSuite } from './run-suite.ts';
import type { Suite, SuiteFigures } from './suite.ts';

export interface EvaluateOptions<Subject, Truth, Answer>
  extends Omit<RunOptions<Subject, Truth, Answer>, 'store' | 'suite'> {
  readonly suite: Suite<Subject, Truth, Answer>;
  /** Who is asked: names, hashes of files. Part of `run.json`. */
  readonly model: Readonly<Record<string, unknown>>;
  /** How the user named the data. */
  readonly spec?: unknown;
  /** Everything that changes a question or an answer. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** How rows are scored, for those who score them again. Part of `run.json`, and free to change. */
  readonly scoring?: Readonly<Record<string, unknown>>;
  /** Where rows and figures go; without it rows are kept in memory. */
  readonly folder?: string;
  /** Hears what is noteworthy about the folder. */
  readonly onNote?: (text: string) => void;
}

/** Figures of a suite, and how they came about. */
export interface Evaluation extends SuiteFigures {
  readonly suite: string;
  readonly model: Readonly<Record<string, unknown>>;
  readonly data: RunRecord['data'];
  readonly options: Readonly<Record<string, unknown>>;
  readonly counts: EvaluationCounts;
}

export interface EvaluationCounts {
  /** Samples that rows are of. */
  readonly samples: number;
  readonly questions: number;
  readonly answered: number;
  /** Questions without an answer, and samples that could not be read. */
  readonly failed: number;
  /** Time of all answers together. */
  readonly seconds: number;
}

/**
 * Asks, writes down, and scores. With a folder, a run that was ended or killed continues: what has an answer is not
 * asked again. The folder then holds run.json, rows.jsonl and figures.json.
 * @throws ChatRexError 'invalid-argument' when the folder is of another run
 * @example
 * const model = { name: 'nano' };
 * const { figures } = await evaluate({ suite: cocoSuite(), data, open: async () => new ModelSubject(chatRex), model });
 */
export async function evaluate<Subject, Truth, Answer>(
  options: EvaluateOptions<Subject, Truth, Answer>,
): Promise<{ evaluation: Evaluation; run: RunResult<Truth, Answer> }> {
  const { suite, data, folder, shard, onNote } = options;
  const record = createRunRecord({
    suite: suite.name,
    model: options.model,
    data: { name: data.name, fingerprint: data.fingerprint, size: data.size, spec: options.spec ?? null },
    options: options.options ?? {},
    scoring: options.scoring,
  });
  requireNeeds(suite.name, suite.needs, data.vocabulary.length);
  if (folder !== undefined) await claimRun(folder, record);
  const cut = (file: string) => onNote?.(`${file} ended in the middle of a row: its question is asked again`);
  const store =
    folder === undefined
      ? memoryRows<Truth, Answer>()
      : await openRows<Truth, Answer>(folder, shard ?? { index: 0, of: 1 }, cut);
  let run: RunResult<Truth, Answer>;
  try {
    run = await runSuite({ ...options, store });
  } finally {
    await store.close();
  }
  const scored = await scoreRun(suite, record, run.rows);
  const evaluation = { ...scored, notes: [...partNotes(run, data.size, options), ...scored.notes] };
  if (folder !== undefined) await writeFigures(folder, evaluation);
  return { evaluation, run };
}

/** What figures of a part say aloud: samples that were never asked about are not among them. */
function partNotes(
  { done, total, isComplete }: RunResult<unknown, unknown>,
  size: number,
  { limit, shard }: Pick<RunOptions<never, never, never>, 'limit' | 'shard'>,
): string[] {
  const notes: string[] = [];
  if (limit !== undefined && limit < size) notes.push(`figures are of the first ${limit} of ${size} samples (--limit)`);
  if (shard !== undefined && shard.of > 1) {
    notes.push(
      `part ${shard.index} of ${shard.of} was asked (--shard); figures are of the samples that the folder has answers of`,
    );
  }
  if (!isComplete) notes.push(`the run was ended after ${done} of ${total} samples; figures are of what was asked`);
  return notes;
}

/** The figures of rows, with their run. */
export async function scoreRun<Truth, Answer>(
  suite: Pick<Suite<never, Truth, Answer>, 'name' | 'score'>,
  { model, data, options }: RunRecord,
  rows: readonly Row<Truth, Answer>[],
): Promise<Evaluation> {
  const asked = rows.filter(({ question }) => question !== '');
  const counts: EvaluationCounts = {
    samples: new Set(rows.map(({ sample }) => sample)).size,
    questions: asked.length,
    answered: rows.filter((row) => 'answer' in row).length,
    failed: rows.filter((row) => 'fault' in row).length,
    seconds: rows.reduce((sum, { seconds }) => sum + seconds, 0),
  };
  return { suite: suite.name, ...(await suite.score(rows)), counts, model, data, options };
}

export async function writeFigures(folder: string, evaluation: Evaluation): Promise<void> {
  const text = `${JSON.stringify(evaluationJson(evaluation), null, 2)}\n`;
  await writeBeside(join(folder, 'figures.json'), (file) => writeAll(file, Buffer.from(text)));
}

/** As `--json` prints it: figures under their names beside the suite. */
export function evaluationJson({ suite, figures, ...rest }: Evaluation): Record<string, unknown> {
  return { suite, ...figures, ...rest };
}

function requireNeeds(suite: string, needs: readonly string[], vocabularySize: number): void {
  if (!needs.includes('categories') || vocabularySize > 0) return;
  const advice = 'give a data set whose regions have names, or measure proposals';
  throw new ChatRexError('invalid-argument', `${suite}: the data set has no categories; ${advice}`);
}
