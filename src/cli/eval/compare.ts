/** `chatrex eval compare`: two runs side by side. */

import { Command } from 'commander';
import { type Comparison, compareRuns } from '../../evaluation/compare.ts';
import { interruptible } from '../interruption.ts';
import { whole } from '../option-types.ts';
import { progressBar } from '../progress.ts';
import { closing } from './row-scorer.ts';

interface CompareOptions {
  resamples: number;
  seconds: number;
  seed: number;
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
    .option('--json', 'the comparison as JSON')
    .addHelpText('after', '\nExamples:\n  chatrex eval compare runs/coco-nano runs/coco-mine')
    .action(runCompare);
}

async function runCompare(first: string, second: string, options: CompareOptions): Promise<void> {
  const { resamples, seconds, seed, json } = options;
  const bar = progressBar('eval compare', resamples);
  const comparison = await interruptible((signal) =>
    closing((scorerOf) =>
      compareRuns(first, second, scorerOf, {
        ...{ resamples, budgetMs: 1000 * seconds, seed, signal },
        onProgress: (done) => bar.update(done),
      }),
    ),
  );
  bar.end(`samples drawn ${comparison.resamples} times`);
  process.stdout.write(json ? `${JSON.stringify(comparison, null, 2)}\n` : comparisonTable(comparison, first, second));
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
