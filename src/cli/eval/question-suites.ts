/**
 * `chatrex eval pope|mmbench|seed|hallusion|mm-vet|llava-wild`: questions in words. Answers are kept in the form of the
 * suite's own scripts and scored as `chatrex score` scores them.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { ChatRexError } from '../../errors.ts';
import { askedSuites } from '../../evaluation/question-suites/asked-suites.ts';
import type { AskedSuite } from '../../evaluation/question-suites/question.ts';
import { questionDataset, questionSuite } from '../../evaluation/question-suites/question-dataset.ts';
import type { SuiteFigures } from '../../evaluation/suite.ts';
import { type RawRecord, readAllRecords } from '../../evaluation/suites/record-files.ts';
import { writeAll, writeBeside } from '../../files.ts';
import { whole } from '../option-types.ts';
import { isNotScored, type ScoreSuite } from '../score/score-suite.ts';
import { scoreSuites } from '../score/suites.ts';
import { notScoredStatus } from '../score.ts';
import { type EndpointCommandOptions, endpointOptions, runAskedSuite, runHelp, runOptions } from './suite-command.ts';

interface QuestionOptions extends EndpointCommandOptions {
  truth: string[];
  images?: string;
  maxTokens: number;
}

export function questionCommands(): Command[] {
  return askedSuites.map((asked) => questionCommand(asked, scoreSuites.find(({ name }) => name === asked.name)!));
}

function questionCommand(asked: AskedSuite, scored: ScoreSuite): Command {
  const command = runOptions(new Command(asked.name))
    .description(scored.description)
    .requiredOption('--truth <files...>', scored.truth ?? 'the files of the suite')
    .option('--images <folder>', asked.images)
    .option('--max-tokens <n>', 'longest answer', whole(1, 100_000), asked.maxTokens);
  endpointOptions(command);
  for (const option of scored.options ?? []) command.addOption(option);
  return command
    .addHelpText(
      'after',
      `
Examples:
  chatrex eval ${asked.name} --truth questions.json --images images --out runs/${asked.name}
  chatrex eval ${asked.name} --truth questions.json --images images --endpoint http://localhost:8000/v1#m --out runs/m
${runHelp}
${notScoredStatus} means that the answers are there, and a judge is missing: the same command with --judge scores them.`,
    )
    .action((options: QuestionOptions) => runQuestions(asked, scored, options));
}

async function runQuestions(asked: AskedSuite, scored: ScoreSuite, options: QuestionOptions): Promise<void> {
  const questions = asked.questions(await readAllRecords(options.truth));
  const needsFolder = questions.some(({ image }) => 'file' in image);
  if (needsFolder && options.images === undefined) {
    throw new ChatRexError('invalid-argument', `${asked.name}: give --images, the folder with ${asked.images}`);
  }
  const data = questionDataset(asked.name, questions, options.images ?? '.');
  const folder = options.out ?? (await mkdtemp(join(tmpdir(), 'chatrex-answers-')));
  const score = (answers: readonly RawRecord[]) => scoreAnswers(scored, folder, answers, options);
  try {
    await runAskedSuite(questionSuite(asked, questions, score), options, { maxTokens: options.maxTokens }, data);
  } finally {
    if (options.out === undefined) await rm(folder, { recursive: true });
  }
}

/** Writes answers.json into the folder and scores it; without a judge that is needed there are no figures. */
async function scoreAnswers(
  scored: ScoreSuite,
  folder: string,
  answers: readonly RawRecord[],
  options: QuestionOptions,
): Promise<SuiteFigures> {
  const path = join(folder, 'answers.json');
  await writeBeside(path, (file) => writeAll(file, Buffer.from(`${JSON.stringify(answers, null, 1)}\n`)));
  const nothing = { figures: {}, byKind: {}, variant: {} };
  if (answers.length === 0) return { ...nothing, notes: ['no question has an answer: not scored'] };
  const score = await scored.run({ ...options, answers: [path] });
  if (isNotScored(score)) {
    process.exitCode = notScoredStatus;
    return { ...nothing, notes: [`not scored: ${score.notScored}`] };
  }
  const { suite: _, counts: __, ...figures } = score;
  return figures;
}
