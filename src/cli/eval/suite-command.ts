/** What the commands of suites on data sets share: options, the run with its progress, and the output. */

import { type Command, Option } from 'commander';
import { defaultModel } from '../../bundled-models.ts';
import type { Dataset } from '../../datasets/dataset.ts';
import { parseEndpoint } from '../../evaluation/endpoint/ask-chat.ts';
import { chatRexStyle, EndpointSubject, endpointStyles } from '../../evaluation/endpoint/endpoint-subject.ts';
import { type Evaluation, evaluate, evaluationJson } from '../../evaluation/evaluate.ts';
import { ModelSubject, type ModelSubjectOptions } from '../../evaluation/model-subject.ts';
import type { Reviewer } from '../../evaluation/report/worst-samples.ts';
import { writeReport } from '../../evaluation/report/write-report.ts';
import type { Shard } from '../../evaluation/rows-file.ts';
import type { Suite } from '../../evaluation/suite.ts';
import { withDataset } from '../data/open-spec.ts';
import { interruptible } from '../interruption.ts';
import { shard, whole, wholeNumber } from '../option-types.ts';
import { progressBar } from '../progress.ts';
import { describeModel, openModel } from './open-model.ts';
import { suiteTable } from './suite-table.ts';

export interface SuiteOptions {
  /** Missing for suites that bring their own data. */
  data?: string;
  root?: string;
  cache?: string;
  model: string;
  upn?: string;
  limit?: number;
  shard?: Shard;
  out?: string;
  threads?: number;
  json?: boolean;
}

/** Options of suites that somebody else's model can be asked. */
export interface EndpointCommandOptions extends SuiteOptions {
  endpoint?: string;
  style?: string;
  concurrency?: number;
  timeout?: number;
  attempts?: number;
}

/** Some questions have no answer; figures count them as wrong. */
export const incompleteStatus = 3;

/** Adds the options that `SuiteOptions` names. */
export function suiteCommand(command: Command): Command {
  command
    .requiredOption(
      '--data <spec>',
      'FORMAT:PATH[,option=value...], a JSON object, or a module; see docs/guides/data.md',
    )
    .option('--root <folder>', 'what relative paths of the spec are relative to; here by default')
    .option('--cache <folder>', 'where indexes are kept; CHATREX_CACHE or ~/.cache/chatrex by default');
  return runOptions(command);
}

/** Who is asked, how much, and what becomes of it. */
export function runOptions(command: Command): Command {
  return command
    .option(
      '--model <model>',
      'a folder, with upn/ in it or that folder alone, or the name of a bundled model',
      defaultModel,
    )
    .option('--upn <model>', 'override the proposal network of the folder')
    .option('--limit <n>', 'samples of the data set, from its beginning', whole(1, Number.MAX_SAFE_INTEGER))
    .option('--shard <i/n>', 'part i (from 0) of n parts of the samples; parts may share a folder', shard)
    .option('--out <folder>', 'keep rows, figures and a report here; a run that was ended continues')
    .option('--threads <n>', 'of one operator; all cores by default', wholeNumber)
    .option('--json', 'the figures as JSON, not rounded');
}

/** Adds the options that `EndpointCommandOptions` names. */
export function endpointCommand(command: Command): Command {
  return endpointOptions(suiteCommand(command));
}

export function endpointOptions(command: Command): Command {
  return command
    .option('--endpoint <url#model>', 'ask an OpenAI-compatible server instead; its key is read from CHATREX_API_KEY')
    .addOption(
      new Option('--style <name>', 'with --endpoint: how questions are put and boxes are written')
        .choices(endpointStyles)
        .default(chatRexStyle),
    )
    .option('--concurrency <n>', 'with --endpoint: questions at once', whole(1, 256), 4)
    .option('--timeout <seconds>', 'with --endpoint: for one attempt', whole(1, 86_400), 120)
    .option('--attempts <n>', 'with --endpoint: at one question', whole(1, 100), 5);
}

export const runHelp = `
A run with --out that was ended or killed continues with the same command: what was answered is not asked again, and
questions that failed are asked once more. Ctrl-C ends it after the question under way and reports what was done.
Exit status: 0 done, 1 an error, ${incompleteStatus} done but some questions have no answer (they count as wrong).`;

/** What a suite knows beside its questions. */
export interface SuiteExtras {
  /** The data of a suite that brings its own; else that of `--data`. */
  readonly dataset?: Dataset;
  /** How the user named the data of a suite that brings its own. */
  readonly spec?: unknown;
  /** What the report shows of a sample; by the suite's name by default. */
  readonly review?: Reviewer;
  /** How rows are scored: what `eval report` and `eval compare` need. */
  readonly scoring?: Readonly<Record<string, unknown>>;
}

/** Runs a suite on a model and prints its figures. */
export async function runModelSuite<Truth, Answer>(
  suite: Suite<ModelSubject, Truth, Answer>,
  options: SuiteOptions,
  settings: ModelSubjectOptions & Readonly<Record<string, unknown>>,
  extras: SuiteExtras = {},
): Promise<void> {
  const model = await describeModel(options.model, options.upn);
  let dispose: (() => Promise<void>) | undefined;
  const open = async () => {
    const opened = await openModel(options.model, options.upn, { threads: options.threads });
    dispose = opened.dispose;
    return new ModelSubject(opened.model, settings);
  };
  try {
    await runSuiteCommand({ suite, options, model, settings, open, ...extras });
  } finally {
    await dispose?.();
  }
}

/** Runs a suite on a model, or on what `--endpoint` names, and prints its figures. */
export async function runAskedSuite<Truth, Answer>(
  suite: Suite<ModelSubject | EndpointSubject, Truth, Answer>,
  options: EndpointCommandOptions,
  settings: ModelSubjectOptions & Readonly<Record<string, unknown>>,
  extras: SuiteExtras = {},
): Promise<void> {
  if (options.endpoint === undefined) return runModelSuite(suite, options, settings, extras);
  const { style, concurrency, timeout = 120, attempts } = options;
  const endpoint = parseEndpoint('--endpoint', options.endpoint);
  const subject = new EndpointSubject(endpoint, {
    ...{ style, attempts, maxTokens: settings.maxTokens },
    apiKey: process.env.CHATREX_API_KEY,
    timeoutMs: 1000 * timeout,
  });
  await runSuiteCommand({
    ...{ suite, options, concurrency, ...extras },
    model: { endpoint: endpoint.address, model: endpoint.model, style },
    settings,
    open: async () => subject,
  });
}

export interface SuiteRun<Subject, Truth, Answer> extends SuiteExtras {
  readonly suite: Suite<Subject, Truth, Answer>;
  readonly options: SuiteOptions;
  readonly model: Readonly<Record<string, unknown>>;
  /** Everything that changes a question or an answer. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly concurrency?: number;
  open(): Promise<Subject>;
}

/** Opens the data, asks what is not answered, prints figures to stdout and what is noteworthy to stderr. */
export async function runSuiteCommand<Subject, Truth, Answer>({
  suite,
  options,
  model,
  settings,
  concurrency,
  dataset,
  spec: ownSpec,
  scoring,
  review,
  open,
}: SuiteRun<Subject, Truth, Answer>): Promise<void> {
  const title = `eval ${suite.name}`;
  const { data: spec = '', limit, shard, out: folder } = options;
  const note = (text: string) => process.stderr.write(`${title}: ${text}\n`);
  const work = async (data: Dataset, signal: AbortSignal) => {
    let bar: ReturnType<typeof progressBar> | undefined;
    const { evaluation, run } = await evaluate({
      suite,
      data,
      open,
      model,
      spec: spec === '' ? ownSpec : spec,
      scoring,
      options: settings,
      folder,
      limit,
      shard,
      concurrency,
      signal,
      onNote: note,
      onProgress: ({ done, total, failed }) => {
        bar ??= progressBar(title, total);
        bar.update(done, failed > 0 ? `${failed} failed` : '');
      },
    });
    bar?.end(
      `${run.done} of ${run.total} samples, ${run.asked} questions asked, ${run.skipped} known, ${run.failed} failed`,
    );
    if (folder !== undefined) note(`wrote ${await writeReport(folder, evaluation, run.rows, data, review)}`);
    printEvaluation(evaluation, options.json ?? false);
    if (evaluation.counts.failed > 0) process.exitCode ??= incompleteStatus;
  };
  if (dataset === undefined) await withDataset(title, spec, options, work);
  else await interruptible((signal) => work(dataset, signal));
}

export function printEvaluation(evaluation: Evaluation, isJson: boolean): void {
  if (!isJson) process.stdout.write(suiteTable(evaluation));
  else {
    for (const text of evaluation.notes) process.stderr.write(`note: ${text}\n`);
    process.stdout.write(`${JSON.stringify(evaluationJson(evaluation), null, 2)}\n`);
  }
}
