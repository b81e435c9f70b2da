/** `chatrex eval world`: every task of the paper on scenes of RexWorld. */

import { Command, InvalidArgumentError, Option } from 'commander';
import { cacheFolder } from '../../datasets/cache-folder.ts';
import { scoreRun } from '../../evaluation/evaluate.ts';
import { writeReport } from '../../evaluation/report/write-report.ts';
import { readRows } from '../../evaluation/rows-file.ts';
import { readRunRecord } from '../../evaluation/run-record.ts';
import type { RowScorer } from '../../evaluation/scorers.ts';
import {
  worldEvaluationDefaults as defaults,
  evaluatedSplits,
  evaluateWorld,
  type WorldEvaluationOptions,
} from '../../world/evaluation/evaluate-world.ts';
import { type EvaluatedTask, evaluatedTasks } from '../../world/evaluation/plan.ts';
import { worldTable } from '../../world/evaluation/table.ts';
import { scoreWorldRows } from '../../world/evaluation/world-suite.ts';
import { interruptible } from '../interruption.ts';
import { fraction, wholeNumber } from '../option-types.ts';
import { progressBar } from '../progress.ts';
import { describeModel, openModel } from './open-model.ts';

interface EvalWorldOptions extends Pick<WorldEvaluationOptions, 'minScore'> {
  split: NonNullable<WorldEvaluationOptions['split']>;
  seed: number;
  count: number;
  tasks: readonly EvaluatedTask[];
  phrasings: NonNullable<WorldEvaluationOptions['phrasings']>;
  questions: number;
  maxTokens: number;
  model: string;
  cache?: string;
  out?: string;
  threads?: number;
  json?: boolean;
}

export function evalWorldCommand(): Command {
  return new Command('world')
    .description('every task of the paper on fresh scenes of RexWorld')
    .option('--model <model>', 'a folder, with upn/ in it or that folder alone, or the name of a bundled model', 'nano')
    .addOption(
      new Option('--split <name>', 'scenes for choosing thresholds, or those for figures')
        .choices(evaluatedSplits)
        .default(defaults.split),
    )
    .requiredOption('--seed <n>', 'which scenes: same seed and split, same scenes', wholeNumber)
    .option('--count <k>', 'how many scenes', wholeNumber, 500)
    .addOption(
      new Option('--tasks <names>', `some of ${evaluatedTasks.join(', ')}, with commas`)
        .argParser(taskNames)
        .default(defaults.tasks, 'all'),
    )
    .addOption(
      new Option('--phrasings <kind>', 'questions in held-out wordings, or in those of training')
        .choices(['unseen', 'seen'])
        .default(defaults.phrasings),
    )
    .option('--questions <n>', 'questions of a task per scene', wholeNumber, defaults.questions)
    .option('--max-tokens <n>', 'longest answer', wholeNumber, defaults.maxTokens)
    .option(
      '--min-score <score>',
      'least score of proposals the language model gets; the model’s own by default',
      fraction,
    )
    .option('--cache <folder>', 'where rendered scenes are kept; CHATREX_CACHE or ~/.cache/chatrex by default')
    .option('--out <folder>', 'keep each answer here as it comes; a run that was ended continues')
    .option(
      '--threads <n>',
      'of one operator; all cores by default, 1 is quicker for nano on a busy machine',
      wholeNumber,
    )
    .option('--json', 'the report as JSON instead of a table')
    .addHelpText(
      'after',
      `
Examples:
  chatrex eval world --seed 2026 --out runs/world-2026
  chatrex eval world --model runs/nano --seed 2026 --count 100 --tasks detection,counting --json > figures.json
  chatrex eval world --model runs/nano/upn --split val --seed 7 --tasks upn

Ctrl-C ends it after the question under way and reports the scenes that were done. With --out the same command continues
there, and asks nothing twice.`,
    )
    .action(runEvalWorld);
}

async function runEvalWorld({ model: source, threads, json, cache, out, ...options }: EvalWorldOptions): Promise<void> {
  const description = await describeModel(source);
  const { model, dispose } = await openModel(source, undefined, { threads });
  const bar = progressBar('eval world', options.count);
  try {
    const report = await interruptible((signal) =>
      evaluateWorld(model, {
        ...options,
        cacheFolder: cacheFolder(cache),
        folder: out,
        description,
        signal,
        onProgress: (done) => bar.update(done),
        onStatus: (text) => bar.status(text),
      }),
    );
    bar.end(`${report.count} of ${options.count} scenes`);
    if (out !== undefined) process.stderr.write(`eval world: wrote ${await writeWorldReport(out)}\n`);
    process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : worldTable(report));
    if (report.count < options.count) process.exitCode ??= 1;
  } finally {
    await dispose();
  }
}

/** How rows of RexWorld are scored without a model. */
export const worldRowScorer: RowScorer = { score: scoreWorldRows };

/** The page of the rows in a folder; their scenes are not opened again. */
async function writeWorldReport(folder: string): Promise<string> {
  const rows = await readRows<object, object>(folder);
  const suite = { name: 'world', score: scoreWorldRows };
  return writeReport(folder, await scoreRun(suite, await readRunRecord(folder), rows), rows);
}

function taskNames(text: string): EvaluatedTask[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !evaluatedTasks.includes(name as EvaluatedTask));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`'${unknown}' is none of ${evaluatedTasks.join(', ')}.`);
  }
  return [...new Set(names)] as EvaluatedTask[];
}
