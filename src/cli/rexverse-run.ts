/** `chatrex rexverse run`: annotates a list of images, or continues to. */

import { dirname, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { defaultModel } from '../bundled-models.ts';
import { modelFolder } from '../chatrex.ts';
import { ChatRexError } from '../errors.ts';
import { coyoImages, defaultCoyoFilters } from '../rexverse/collect/coyo.ts';
import type { ImageList } from '../rexverse/collect/list.ts';
import { estimateRun } from '../rexverse/dry-run.ts';
import { type GroundingFormat, groundingFormats } from '../rexverse/models/grounding-answers.ts';
import { roleNames } from '../rexverse/models/roles.ts';
import { loadPrompts } from '../rexverse/prompts.ts';
import { startMetrics } from '../rexverse/report/metrics.ts';
import { type RunOptions, type RunProgress, runRexverse } from '../rexverse/run.ts';
import { type ModelSpec, parseModel, type Settings } from '../rexverse/settings.ts';
import { defaultDescribeOptions } from '../rexverse/stages/describe.ts';
import { defaultGroundOptions } from '../rexverse/stages/ground.ts';
import { defaultImageFilters } from '../rexverse/stages/inspect.ts';
import type { Budget, Price } from '../rexverse/work/limiter.ts';
import { interruptible } from './interruption.ts';
import { shard } from './option-types.ts';
import { formatTime, progressBar } from './progress.ts';
import { between, budget, price, wholeFrom } from './rexverse-options.ts';

export interface EngineCommandOptions {
  out: string;
  model: string;
  captioner?: string;
  grounder?: string;
  describer?: string;
  writer?: string;
  grounderFormat?: GroundingFormat;
  maxTokens: number;
  temperature: number;
  prompts?: string;
  plainDescriptions?: boolean;
  maxDescribed: number;
  minScore: number;
  maxNegatives: number;
  minSide: number;
  maxAspect: number;
  maxPlainWhite: number;
  duplicateBits: number;
  limit?: number;
  retryFailed?: boolean;
  extend?: boolean;
  shard?: { index: number; of: number };
  workers?: number;
  concurrency?: number;
  requestsAtOnce?: number;
  requestsPerMinute?: number;
  tokensPerMinute?: number;
  budget?: Budget;
  price?: Record<string, Price>;
  deadline: number;
  attempts: number;
  allowPrivate?: boolean;
  ignoreOptOut?: boolean;
  queue?: string;
  metrics?: number;
  dryRun?: number | true;
  coyo?: string[];
  maxNsfw: number;
  maxWatermark: number;
  minAesthetic: number;
  minSimilarity: number;
  json?: boolean;
}

export function rexverseRunCommand(): Command {
  const command = new Command('run')
    .description('annotate images, or continue where the last run in the folder ended')
    .argument(
      '[source]',
      'a folder, an image, a .txt or .jsonl list of paths or URLs, a .json of conversations (LLaVA)',
    )
    .requiredOption('--out <folder>', 'where the run keeps what it knows; the same folder continues it');
  modelOptions(command);
  filterOptions(command);
  workOptions(command);
  return command
    .addHelpText(
      'after',
      `
Examples:
  chatrex rexverse run photos/ --out data/                                 offline, with the bundled model
  chatrex rexverse run photos/ --out data/ --captioner http://127.0.0.1:8000/v1#InternVL2-8B
  chatrex rexverse run urls.txt --out data/ --shard $SLURM_ARRAY_TASK_ID/64 --budget 40 --price InternVL2-8B=0.2/0.6
  chatrex rexverse run llava_instruct.json --out data/                     answers become grounded conversations

The key of endpoints is read from CHATREX_API_KEY. Ctrl-C finishes the calls under way and keeps them; the same command continues.
Nothing that was paid for is paid for again.`,
    )
    .action(runCommand);
}

export function modelOptions(command: Command): void {
  command
    .option(
      '--model <model>',
      'plays every role that is not given: a ChatRex folder, a bundled name, or URL#model',
      defaultModel,
    )
    .option('--captioner <model>', 'writes a sentence about each image')
    .option('--grounder <model>', 'finds the boxes of phrases; may be a detector such as models/photo/upn')
    .option('--describer <model>', 'writes a sentence about each region')
    .option('--writer <model>', 'checks the descriptions and shortens them')
    .addOption(
      new Option('--grounder-format <format>', 'how an endpoint writes boxes; by its model’s name if left out').choices(
        groundingFormats,
      ),
    )
    .option('--max-tokens <n>', 'of an answer of an endpoint', wholeFrom(1), 512)
    .option('--temperature <t>', 'of endpoints', between(0, 2), 0)
    .option('--prompts <folder>', 'prompts to use instead of those of the package (prompts/rexverse/README.md)');
}

export function filterOptions(command: Command): void {
  command
    .option('--min-side <pixels>', 'shortest side of an image', wholeFrom(1), defaultImageFilters.minSide)
    .option('--max-aspect <ratio>', 'longest side over shortest', between(1, 1000), defaultImageFilters.maxAspect)
    .option(
      '--max-plain-white <probability>',
      'that an image shows little on plain white; 1 keeps all',
      between(0, 1),
      defaultImageFilters.maxPlainWhite,
    )
    .option(
      '--duplicate-bits <n>',
      'bits of 64 in which hashes of copies may differ; -1 compares files only',
      between(-1, 4),
      4,
    )
    .option('--min-score <score>', 'least score of a box', between(0, 1), defaultGroundOptions.minScore)
    .option(
      '--max-negatives <n>',
      'phrases without boxes to keep for an image',
      wholeFrom(0),
      defaultGroundOptions.maxNegatives,
    )
    .option('--max-described <n>', 'regions of an image to describe', wholeFrom(0), defaultDescribeOptions.maxDescribed)
    .option('--plain-descriptions', 'also describe each region without its phrase, to compare (appendix C.3)')
    .option(
      '--coyo <files...>',
      'Parquet files of COYO-700M instead of a source; their columns are judged before download',
    )
    .option('--max-nsfw <score>', 'of COYO, both scores', between(0, 1), defaultCoyoFilters.maxNsfw)
    .option('--max-watermark <score>', 'of COYO', between(0, 1), defaultCoyoFilters.maxWatermark)
    .option('--min-aesthetic <score>', 'of COYO', between(0, 10), defaultCoyoFilters.minAesthetic)
    .option('--min-similarity <score>', 'of image and text, of COYO', between(0, 1), defaultCoyoFilters.minSimilarity)
    .option('--allow-private', 'fetch images from private networks too')
    .option('--ignore-opt-out', 'take images whose server asks that they are not used for training');
}

export function workOptions(command: Command): void {
  command
    .option('--limit <n>', 'only the first entries of the list', wholeFrom(1))
    .option('--retry-failed', 'try entries again that were put aside as failed')
    .option('--extend', 'append what the source has and the run does not; what it has is not done again')
    .option('--shard <i/n>', 'only this share of the list, counted from 0; each in a folder of its own', shard)
    .option('--workers <n>', 'worker processes; half of the cores by default', wholeFrom(1))
    .option('--concurrency <n>', 'items at once in each; 8 with endpoints, 1 without by default', wholeFrom(1))
    .option(
      '--requests-at-once <n>',
      'to an endpoint, of all workers together, with a queue of all machines',
      wholeFrom(1),
    )
    .option(
      '--requests-per-minute <n>',
      'to an endpoint, of all workers together, with a queue of all machines',
      wholeFrom(1),
    )
    .option('--tokens-per-minute <n>', 'of an endpoint, as above', wholeFrom(1))
    .option('--budget <amount>', 'ends the run when it is spent: money (needs --price) or tokens (2Mtokens)', budget)
    .option('--price <model=in/out>', 'of a million tokens; once for each model', price)
    .option('--deadline <seconds>', 'for one item', between(1, 86_400), 600)
    .option('--attempts <n>', 'tries of an item before it is put aside', wholeFrom(1), 3)
    .option('--dry-run [n]', 'annotate a sample of 10 or n entries and say what all of them would take', wholeFrom(1))
    .option('--metrics <port>', 'serve Prometheus metrics at 127.0.0.1:PORT/metrics', wholeFrom(0))
    .option('--queue <url>', 'let other machines do the work (chatrex rexverse work): redis://... or postgres://...')
    .option('--json', 'print the result as JSON');
}

async function runCommand(source: string | undefined, options: EngineCommandOptions): Promise<void> {
  const settings = await settingsOf(options);
  if (options.budget?.money !== undefined && !options.price) {
    throw new ChatRexError(
      'invalid-argument',
      '--budget in money: expected --price MODEL=INPUT/OUTPUT too, found none',
    );
  }
  const list = options.coyo ? coyoList(options, options.coyo) : source;
  if (options.dryRun !== undefined) return dryRun(list, settings, options);
  const metrics = options.metrics === undefined ? undefined : await startMetrics(options.metrics);
  const bar = progressBar('rexverse', 1);
  let show: ((progress: RunProgress) => void) | undefined;
  const onProgress = (progress: RunProgress) => {
    show ??= progressLine(progress);
    show(progress);
    metrics?.update(progress);
  };
  const summary = await interruptible((signal) =>
    runRexverse({ ...runOptions(options), source: list, settings, signal, onProgress }),
  );
  await metrics?.close();
  const { entries, done, filtered, failed, left, made, reused, seconds, stopped, folder } = summary;
  bar.end(`${done} done, ${filtered} filtered, ${failed} failed, ${left} left of ${entries}`);
  process.stdout.write(
    options.json
      ? `${JSON.stringify(summary)}\n`
      : `${folder}: ${done} done, ${filtered} filtered, ${failed} failed, ${left} left of ${entries}; ` +
          `${made} calls made, ${reused} found again, ${formatTime(seconds)}${stopped ? `; ${stopped}` : ''}\n`,
  );
  if (failed > 0 || stopped) process.exitCode ??= 1;
}

function coyoList({ minSide, maxAspect, ...options }: EngineCommandOptions, files: readonly string[]): ImageList {
  const { maxNsfw, maxWatermark, minAesthetic, minSimilarity } = options;
  const filters = { minSide, maxAspect, maxNsfw, maxWatermark, minAesthetic, minSimilarity };
  return { root: resolve(dirname(files[0])), images: coyoImages(files, filters) };
}

async function dryRun(source: RunOptions['source'], settings: Settings, options: EngineCommandOptions): Promise<void> {
  const sample = options.dryRun === true || options.dryRun === undefined ? 10 : options.dryRun;
  const estimate = await interruptible((signal) =>
    estimateRun({ ...runOptions(options), source, settings, signal }, sample),
  );
  const { entries, calls, seconds, cost, tokens, ended } = estimate;
  const spent = Object.entries(tokens).map(([model, one]) => `${model}: ${one.input} tokens in, ${one.output} out`);
  process.stdout.write(
    options.json
      ? `${JSON.stringify(estimate)}\n`
      : `from ${estimate.sample} of ${entries} entries (${ended.done} done, ${ended.filtered} filtered, ${ended.failed} failed):\n` +
          `${calls} calls, ${formatTime(seconds)} with these workers, cost ${cost.toFixed(2)}\n${spent.join('\n')}${spent.length > 0 ? '\n' : ''}` +
          'The calls of the sample are kept: the run does not make them again.\n',
  );
}

/** A line with the share that has ended, the time left and what the stages have passed. */
export function progressLine(first: RunProgress): (progress: RunProgress) => void {
  const bar = progressBar('rexverse', first.entries);
  return ({ done, filtered, failed, passed }) => {
    const stages = Object.entries(passed).map(([stage, count]) => `${stage} ${count}`);
    bar.update(done + filtered + failed, `${filtered} filtered, ${failed} failed | ${stages.join(' ')}`);
  };
}

export function runOptions(options: EngineCommandOptions): Omit<RunOptions, 'settings' | 'source'> {
  const { requestsAtOnce, requestsPerMinute, tokensPerMinute, allowPrivate = false, ignoreOptOut = false } = options;
  return {
    ...{ out: options.out, limit: options.limit, shard: options.shard },
    ...{ isRetryingFailed: options.retryFailed, isExtending: options.extend },
    ...{ workers: options.workers, concurrency: options.concurrency, attempts: options.attempts },
    queue: options.queue,
    ...{ budget: options.budget, prices: options.price, deadlineMs: 1000 * options.deadline },
    limits: { requestsAtOnce, requestsPerMinute, tokensPerMinute },
    download: { isPrivateAllowed: allowPrivate, ignoresOptOut: ignoreOptOut },
  };
}

export async function settingsOf(options: EngineCommandOptions): Promise<Settings> {
  const { maxTokens, temperature, grounderFormat: groundingFormat } = options;
  const roles = {} as Record<(typeof roleNames)[number], ModelSpec>;
  for (const role of roleNames) {
    roles[role] = await parseModel(options[role] ?? options.model, modelFolder, {
      maxTokens,
      temperature,
      groundingFormat,
    });
    if (roles[role].kind === 'detector' && role !== 'grounder') {
      throw new ChatRexError(
        'invalid-argument',
        `--${role}: ${options[role] ?? options.model} finds things and writes nothing; it can be the --grounder. ` +
          'Give a ChatRex folder or URL#model',
      );
    }
  }
  const { minSide, maxAspect, maxPlainWhite, duplicateBits, minScore, maxNegatives, maxDescribed, plainDescriptions } =
    options;
  return {
    roles,
    prompts: await loadPrompts(options.prompts),
    filters: { minSide, maxAspect, maxPlainWhite, duplicateBits },
    ground: { ...defaultGroundOptions, minScore, maxNegatives },
    describe: { ...defaultDescribeOptions, maxDescribed, isPlainWanted: plainDescriptions ?? false },
  };
}
