/** `chatrex eval report`: scores the rows of a folder again, without a model, and writes the page again. */

import { Command } from 'commander';
import type { Dataset, DatasetSpec } from '../../datasets/dataset.ts';
import { scoreRun, writeFigures } from '../../evaluation/evaluate.ts';
import { writeReport } from '../../evaluation/report/write-report.ts';
import { readRows } from '../../evaluation/rows-file.ts';
import { readRunRecord } from '../../evaluation/run-record.ts';
import { openDataset } from '../../open-dataset.ts';
import { scorerOf } from './compare.ts';
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

async function runReport(folder: string, { root, cache, images, json }: ReportOptions): Promise<void> {
  const record = await readRunRecord(folder);
  const rows = await readRows<never, never>(folder);
  const evaluation = await scoreRun({ name: record.suite, score: scorerOf(record.suite) }, record, rows);
  const spec = record.data.spec as DatasetSpec | string | null;
  let data: Dataset | undefined;
  if (images && spec !== null) data = await openDataset(spec, { dataRoot: root, cacheFolder: cache });
  try {
    await writeFigures(folder, evaluation);
    const path = await writeReport(folder, evaluation, rows, data);
    process.stderr.write(`wrote ${path}\n`);
  } finally {
    await data?.close();
  }
  printEvaluation(evaluation, json ?? false);
}
