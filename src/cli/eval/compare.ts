/** `chatrex eval compare`: two runs side by side, in a table and on a page. */

import { extname, join } from 'node:path';
import { Command } from 'commander';
import { ChatRexError } from '../../errors.ts';
import { type Comparison, comparePair } from '../../evaluation/compare.ts';
import { askedSuiteNamed } from '../../evaluation/question-suites/asked-suites.ts';
import { comparisonHtml } from '../../evaluation/report/comparison-html.ts';
import type { Reviewer } from '../../evaluation/report/worst-samples.ts';
import { type RunPair, readRunPair } from '../../evaluation/run-pair.ts';
import type { RunRecord } from '../../evaluation/run-record.ts';
import { interruptible } from '../interruption.ts';
import { whole } from '../option-types.ts';
import { forceHelp, OutputFiles } from '../output-files.ts';
import { progressBar } from '../progress.ts';
import { questionReviewer } from './question-scores.ts';
import { closing } from './row-scorer.ts';
import { dataOfRun } from './run-data.ts';

interface CompareOptions {
  resamples: number;
  seconds: number;
  seed: number;
  out?: string;
  force?: boolean;
  root?: string;
  cache?: string;
  images: boolean;
  json?: boolean;
}

export function compareCommand(): Command {
  return new Command('compare')
    .description('two runs of one suite side by side, and whether the difference means anything')
    .argument('<first>', 'folder of a run (--out)')
    .argument('<second>', 'folder of the other run')
    .option('--resamples <n>', 'how many times samples are drawn with replacement', whole(100, 1_000_000), 1000)
    .option('--seconds <n>', 'drawing ends after this time, at the earliest after 100 times', whole(1, 86_400), 60)
    .option('--seed <n>', 'same seed, same draws', whole(0, Number.MAX_SAFE_INTEGER), 1)
    .option('--out <file.html>', 'a page: figures, categories, and the samples that one run does better than the other')
    .option('--force', forceHelp)
    .option('--root <folder>', 'what relative paths of the data are relative to; here by default')
    .option('--cache <folder>', 'where indexes are kept; CHATREX_CACHE or ~/.cache/chatrex by default')
    .option('--no-images', 'do not open the data: the page has no images')
    .option('--json', 'the comparison as JSON')
    .addHelpText(
      'after',
      `
Examples:
  chatrex eval compare runs/coco-nano runs/coco-mine
  chatrex eval compare runs/coco-nano runs/coco-mine --out compare.html`,
    )
    .action(runCompare);
}

async function runCompare(first: string, second: string, options: CompareOptions): Promise<void> {
  const { resamples, seconds, seed, out, json } = options;
  const outputs = await pageFile(first, second, options);
  const pair = await readRunPair(first, second);
  const bar = progressBar('eval compare', resamples);
  const comparison = await interruptible((signal) =>
    closing(async (scorerOf) =>
      comparePair(pair, [await scorerOf(pair.first, first), await scorerOf(pair.second, second)], {
        ...{ resamples, budgetMs: 1000 * seconds, seed, signal },
        onProgress: (done) => bar.update(done),
      }),
    ),
  );
  bar.end(`samples drawn ${comparison.resamples} times`);
  if (out !== undefined) {
    await outputs.write(out, Buffer.from(await pageOf(comparison, pair, [first, second], options)));
    process.stderr.write(`wrote ${out}\n`);
  }
  process.stdout.write(json ? `${JSON.stringify(comparison, null, 2)}\n` : comparisonTable(comparison, first, second));
}

/** Judges the name of the page before the work begins. */
async function pageFile(first: string, second: string, { out, force = false }: CompareOptions): Promise<OutputFiles> {
  const outputs = new OutputFiles(
    [first, second].flatMap((folder) => ['run.json', 'rows.jsonl'].map((name) => join(folder, name))),
    force,
  );
  if (out === undefined) return outputs;
  if (extname(out).toLowerCase() !== '.html') {
    throw new ChatRexError('invalid-argument', `--out ${out}: expected a name that ends in .html`);
  }
  await outputs.require([out]);
  return outputs;
}

async function pageOf(
  comparison: Comparison,
  pair: RunPair,
  names: readonly [string, string],
  { root, cache, images }: CompareOptions,
): Promise<string> {
  const data = images ? await dataOfRun(pair.first, { root, cache }) : undefined;
  try {
    const reviews = [reviewerOf(pair.first, names[0]), reviewerOf(pair.second, names[1])] as const;
    const [first, second] = reviews;
    return await comparisonHtml(comparison, pair, { names, data, reviews: first && second && [first, second] });
  } finally {
    await data?.close();
  }
}

/** Of questions in words; the suites on data sets have their own. */
function reviewerOf({ suite, scoring = {} }: RunRecord, folder: string): Reviewer | undefined {
  const asked = askedSuiteNamed(suite);
  return asked && questionReviewer(asked, folder, scoring);
}

function comparisonTable(comparison: Comparison, first: string, second: string): string {
  const { suite, samples, leftOut, resamples, figures } = comparison;
  const width = Math.max(12, ...figures.map(({ name }) => name.length)) + 2;
  const row = (cells: readonly string[]) =>
    `  ${cells[0].padEnd(width)}${cells
      .slice(1, 4)
      .map((cell) => cell.padStart(10))
      .join('')}  ${cells[4].padEnd(20)}  ${cells[5]}`.trimEnd();
  return [
    `${suite}: ${first} and ${second}, ${samples} samples of both, ${leftOut} of one alone left out`,
    '',
    row(['', 'first', 'second', 'change', '95 % of draws', '']),
    ...figures.map(({ name, first: a, second: b, difference, interval: [low, high], isMeaningful }) =>
      row([
        name,
        a.toFixed(4),
        b.toFixed(4),
        signed(difference),
        `${signed(low)} .. ${signed(high)}`,
        isMeaningful ? (difference > 0 ? 'second is higher' : 'first is higher') : 'no difference to speak of',
      ]),
    ),
    '',
    `samples were drawn ${resamples} times with replacement, the same ones for both runs`,
    '',
  ].join('\n');
}

const signed = (value: number): string => `${value < 0 ? '' : '+'}${value.toFixed(4)}`;
