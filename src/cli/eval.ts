/** `chatrex eval`: what a model can do, in figures. */

import { Command, InvalidArgumentError, Option } from 'commander';
import {
  worldEvaluationDefaults as defaults,
  evaluateWorld,
  type WorldEvaluationOptions,
} from '../evaluation/world/evaluate-world.ts';
import { type EvaluatedTask, evaluatedTasks } from '../evaluation/world/plan.ts';
import { worldTable } from '../evaluation/world/table.ts';
import {
  cocoCommand,
  countingCommand,
  proposalsCommand,
  referringCommand,
  regionsCommand,
} from './eval/data-suites.ts';
import { openModel } from './eval/open-model.ts';
import { interruptible } from './interruption.ts';
import { fraction, wholeNumber } from './option-types.ts';
import { progressBar } from './progress.ts';

type EvalWorldOptions = Required<Omit<WorldEvaluationOptions, 'onProgress' | 'signal'>> & {
  model: string;
  threads?: number;
  json?: boolean;
};

export function evalCommand(): Command {
  return new Command('eval')
    .description('measure what a model can do')
    .addCommand(evalWorldCommand())
    .addCommand(proposalsCommand())
    .addCommand(cocoCommand())
    .addCommand(regionsCommand())
    .addCommand(countingCommand())
    .addCommand(referringCommand());
}

function evalWorldCommand(): Command {
  return new Command('world')
    .description('every task of the paper on fresh scenes of RexWorld')
    .option('--model <model>', 'a folder, with upn/ in it or that folder alone, or the name of a bundled model', 'nano')
    .requiredOption('--seed <n>', 'which scenes: same seed, same scenes, all of the test split', wholeNumber)
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
  chatrex eval world --seed 2026
  chatrex eval world --model runs/nano --seed 2026 --count 100 --tasks detection,counting --json > figures.json
  chatrex eval world --model runs/nano/upn --seed 2026 --tasks upn

Ctrl-C ends it after the scene under way and reports what was done.`,
    )
    .action(runEvalWorld);
}

async function runEvalWorld({ model: source, threads, json, ...options }: EvalWorldOptions): Promise<void> {
  const { model, dispose } = await openModel(source, undefined, { threads });
  const bar = progressBar('eval world', options.count);
  try {
    bar.update(0);
    const report = await interruptible((signal) =>
      evaluateWorld(model, { ...options, signal, onProgress: (done) => bar.update(done) }),
    );
    bar.end(`${report.count} of ${options.count} scenes`);
    process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : worldTable(report));
    if (report.count < options.count) process.exitCode ??= 1;
  } finally {
    await dispose();
  }
}

function taskNames(text: string): EvaluatedTask[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !evaluatedTasks.includes(name as EvaluatedTask));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`'${unknown}' is none of ${evaluatedTasks.join(', ')}.`);
  }
  return [...new Set(names)] as EvaluatedTask[];
}
