/** `chatrex eval report`: scores the rows of a folder again, without a model, and writes the page again. */

import { Command } from 'commander';
import { type Evaluation, scoreRun, writeFigures } from '../../evaluation/evaluate.ts';
import { askedSuiteNamed } from '../../evaluation/question-suites/asked-suites.ts';
import { writeReport } from '../../evaluation/report/write-report.ts';
import { readRows } from '../../evaluation/rows-file.ts';
import { readRunRecord } from '../../evaluation/run-record.ts';
import { notScoredStatus } from '../score.ts';
import { questionReviewer } from './question-scores.ts';
import { closing } from './row-scorer.ts';
import { dataOfRun } from './run-data.ts';
import { printEvaluation } from './suite-command.ts';

interface ReportOptions {
  root?: string;
  cache?: string;
  images: boolean;
  json?: boolean;
}

export function reportCommand(): Command {
  return new Command('report')
    .description('score the rows of a run again, without a model, and write figures.json and report.html')
    .argument('<folder>', 'folder of a run (--out)')
    .option('--root <folder>', 'what relative paths of the data are relative to; here by default')
    .option('--cache <folder>', 'where indexes are kept; CHATREX_CACHE or ~/.cache/chatrex by default')
    .option('--no-images', 'do not open the data: the page has no images')
    .option('--json', 'the figures as JSON, not rounded')
    .addHelpText(
      'after',
      '\nExamples:\n  chatrex eval report runs/coco\n  chatrex eval report runs/coco --no-images --json',
    )
    .action(runReport);
}

async function runReport(folder: string, options: ReportOptions): Promise<void> {
  const record = await readRunRecord(folder);
  const rows = await readRows<never, never>(folder);
  const evaluation = await closing(async (scorerOf) => {
    const { score } = await scorerOf(record, folder);
    const scored = await scoreRun({ name: record.suite, score }, record, rows);
    return { ...scored, notes: [...partNote(scored), ...scored.notes] };
  });
  const data = options.images ? await dataOfRun(record, options) : undefined;
  try {
    await writeFigures(folder, evaluation);
    const asked = askedSuiteNamed(record.suite);
    const review = asked && questionReviewer(asked, folder, record.scoring ?? {});
    const path = await writeReport(folder, evaluation, rows, data, review);
    process.stderr.write(`wrote ${path}\n`);
  } finally {
    await data?.close();
  }
  if (evaluation.notes.some((note) => note.startsWith('not scored'))) process.exitCode = notScoredStatus;
  printEvaluation(evaluation, options.json ?? false);
}

/** Rows do not say which samples were not asked about, and which have nothing to ask about. */
function partNote({ counts: { samples }, data: { size } }: Evaluation): string[] {
  if (samples >= size) return [];
  return [`figures are of ${samples} of ${size} samples; the others were not asked about, or have nothing to ask`];
}
