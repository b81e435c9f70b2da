/**
 * `chatrex eval pope|mmbench|seed|mmmu|hallusion|mm-vet|llava-wild`: questions in words. Answers are kept in the form
 * of the suite's own scripts and scored as `chatrex score` scores them, over the questions that were asked.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { ChatRexError } from '../../errors.ts';
import { askedSuites } from '../../evaluation/question-suites/asked-suites.ts';
import { type AskedSuite, readQuestions } from '../../evaluation/question-suites/question.ts';
import {
  type QuestionSuiteOptions,
  questionDataset,
  questionSuite,
} from '../../evaluation/question-suites/question-dataset.ts';
import { whole } from '../option-types.ts';
import type { RecordSuite } from '../score/score-suite.ts';
import { recordSuiteNamed } from '../score/suites.ts';
import { notScoredStatus } from '../score.ts';
import { questionReviewer, scoreInFolder, scoringOf } from './question-scores.ts';
import { type EndpointCommandOptions, endpointOptions, runAskedSuite, runHelp, runOptions } from './suite-command.ts';

interface QuestionOptions extends EndpointCommandOptions {
  truth: string[];
  images?: string;
  maxTokens: number;
  wording?: string;
  firstImage?: boolean;
}

export function questionCommands(): Command[] {
  return askedSuites.map((asked) => questionCommand(asked, recordSuiteNamed(asked.name)));
}

/** Suites whose questions name several images. */
const hasSeveralImages = ({ name }: AskedSuite): boolean => name === 'mmmu';

function questionCommand(asked: AskedSuite, scored: RecordSuite): Command {
  const isTable = asked.read !== undefined;
  const files = isTable ? 'validation-*.parquet' : 'questions.json --images images';
  const command = runOptions(new Command(asked.name))
    .description(scored.description)
    .requiredOption(
      '--truth <files...>',
      isTable ? 'its Parquet files of the Hub' : (scored.truth ?? 'the files of the suite'),
    )
    .option('--images <folder>', asked.images)
    .option('--max-tokens <n>', 'longest answer', whole(1, 100_000), asked.maxTokens);
  if (asked.wordings !== undefined) {
    const names = Object.keys(asked.wordings);
    const told = Object.entries(asked.wordings).map(([name, text]) => `${name}: ${text}`);
    command.addOption(
      new Option('--wording <name>', `how questions are put; ${told.join('; ')}`).choices(names).default(names[0]),
    );
  }
  if (hasSeveralImages(asked)) {
    command.option(
      '--first-image',
      'with --endpoint: show the first image of a question alone, to a server that takes one',
    );
  }
  endpointOptions(command);
  for (const option of scored.options ?? []) command.addOption(option);
  return command
    .addHelpText(
      'after',
      `
Examples:
  chatrex eval ${asked.name} --truth ${files} --out runs/${asked.name}
  chatrex eval ${asked.name} --truth ${files} --endpoint http://localhost:8000/v1#m --out runs/m
${runHelp}
${notScoredStatus} means that the answers are there, and a judge is missing: the same command with --judge scores them.`,
    )
    .action((options: QuestionOptions) => runQuestions(asked, options));
}

async function runQuestions(asked: AskedSuite, options: QuestionOptions): Promise<void> {
  const { truth, images, wording, maxTokens } = options;
  const questions = asked.questions(await readQuestions(asked, truth), wording);
  const needsFolder = questions.some((question) => question.images.some((image) => 'file' in image));
  if (needsFolder && images === undefined) {
    throw new ChatRexError('invalid-argument', `${asked.name}: give --images, the folder with ${asked.images}`);
  }
  const data = questionDataset(asked.name, questions, images ?? '.');
  const folder = options.out ?? (await mkdtemp(join(tmpdir(), 'chatrex-answers-')));
  const scoring = scoringOf(recordSuiteNamed(asked.name), options);
  // Models of ours read one image.
  const isFirstImageOnly = options.endpoint === undefined || options.firstImage === true;
  const shown: QuestionSuiteOptions = { folder: images, isFirstImageOnly };
  const suite = questionSuite(asked, questions, scoreInFolder(asked, folder, scoring), shown);
  const settings = {
    maxTokens,
    ...(wording !== undefined && { wording }),
    ...(hasSeveralImages(asked) && { isFirstImageOnly }),
  };
  try {
    await runAskedSuite(suite, options, settings, {
      ...{ dataset: data, scoring, spec: { truth, images, wording } },
      review: questionReviewer(asked, folder, scoring),
    });
  } finally {
    if (options.out === undefined) await rm(folder, { recursive: true });
  }
}
