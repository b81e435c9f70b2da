/** `chatrex score`: files of answers, from whatever model, by the rules of each suite. */

import { Command } from 'commander';
import { isNotScored, type ScoreFiles, type ScoreSuite } from './score/score-suite.ts';
import { scoreSuites } from './score/suites.ts';
import { scoreTable } from './score-table.ts';

/** Exit status when a suite needs a judge and none was given: nothing was scored, and nothing failed. */
export const notScoredStatus = 5;

interface ScoreOptions extends ScoreFiles {
  json?: boolean;
}

export function scoreCommand(): Command {
  const command = new Command('score')
    .description('score a file of answers by the rules of a suite, without a model')
    .addHelpText(
      'after',
      `
Examples:
  chatrex score coco --answers detections.json --truth instances_val2017.json
  chatrex score lvis --fixed --answers detections.json --truth lvis_v1_val.json --json > figures.json
  chatrex score pope --answers answers.jsonl --truth coco_pope_random.json
  chatrex score mm-vet --answers answers.json --truth mm-vet.json --judge http://localhost:8000/v1#model

docs/evaluation.md says for each suite where to get the data, the rule and the published figure.
Exit status: 0 scored, 1 an error, ${notScoredStatus} not scored because the suite needs a judge.`,
    );
  for (const suite of scoreSuites) command.addCommand(suiteCommand(suite));
  return command;
}

function suiteCommand(suite: ScoreSuite): Command {
  const command = new Command(suite.name)
    .description(suite.description)
    .requiredOption('--answers <files...>', suite.answers)
    .option('--json', 'the figures as JSON, not rounded');
  if (suite.truth) {
    if (suite.isTruthOptional) command.option('--truth <files...>', suite.truth);
    else command.requiredOption('--truth <files...>', suite.truth);
  }
  for (const option of suite.options ?? []) command.addOption(option);
  if (suite.examples)
    command.addHelpText('after', `\nExamples:\n${suite.examples.map((line) => `  ${line}\n`).join('')}`);
  return command.action((options: ScoreOptions) => runScore(suite, options));
}

async function runScore(suite: ScoreSuite, { json, ...options }: ScoreOptions): Promise<void> {
  const score = await suite.run(options);
  if (isNotScored(score)) {
    process.stderr.write(`chatrex: ${suite.name} not scored: ${score.notScored}\n`);
    if (json) process.stdout.write(`${JSON.stringify({ suite: suite.name, ...score }, null, 2)}\n`);
    process.exitCode = notScoredStatus;
    return;
  }
  if (json) {
    for (const note of score.notes) process.stderr.write(`note: ${note}\n`);
    const { suite: name, figures, graded: _, ...rest } = score;
    process.stdout.write(`${JSON.stringify({ suite: name, ...figures, ...rest }, null, 2)}\n`);
  } else process.stdout.write(scoreTable(score));
}
