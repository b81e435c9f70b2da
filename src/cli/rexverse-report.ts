/**
 * `chatrex rexverse report`, `export` and `view`: what a run did, its results in other formats, its results to look at.
 */

import { mkdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { writeAll, writeBeside } from '../files.ts';
import { type ExportFormat, exportFormats, exportRun } from '../rexverse/export/export-run.ts';
import { reportPage } from '../rexverse/report/page.ts';
import { summarizeRun } from '../rexverse/report/summarize.ts';
import { reportTable } from '../rexverse/report/table.ts';
import { writeViewPage } from '../rexverse/view/page.ts';
import type { Price } from '../rexverse/work/limiter.ts';
import { price, wholeFrom } from './rexverse-options.ts';

export function rexverseReportCommand(): Command {
  return new Command('report')
    .description('in, out, left out by reason, calls, tokens, seconds and cost of a run')
    .argument('<folder>', 'of the run, or of its shards')
    .option('--price <model=in/out>', 'of a million tokens; once for each model', price)
    .option('--json', 'print JSON')
    .option('--html <file>', 'also write a page with a picture of the flow')
    .addHelpText('after', '\nExample:\n  chatrex rexverse report data/ --price InternVL2-8B=0.2/0.6 --html report.html')
    .action(async (folder: string, options: { price?: Record<string, Price>; json?: boolean; html?: string }) => {
      const report = await summarizeRun(folder, options.price);
      if (options.html !== undefined) {
        const page = Buffer.from(reportPage(report, basename(resolve(folder))));
        await writeBeside(options.html, (file) => writeAll(file, page));
      }
      process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : reportTable(report));
    });
}

export function rexverseExportCommand(): Command {
  return new Command('export')
    .description('write what a run found in a format that others read; sorted, so that equal runs write equal bytes')
    .argument('<folder>', 'of the run, or of its shards')
    .addOption(new Option('--to <format>', 'of the output').choices(exportFormats).default('jsonl'))
    .requiredOption('--out <path>', 'a file (jsonl, coco) or a folder (tsv, parquet) that does not exist yet')
    .option('--shard-size <n>', 'images in each Parquet file', wholeFrom(1), 50_000)
    .addHelpText(
      'after',
      `
Examples:
  chatrex rexverse export data/ --to jsonl --out train.jsonl      samples that any training configuration reads
  chatrex rexverse export data/ --to coco --out instances.json    boxes with names, captions beside them
  chatrex rexverse export data/ --to tsv --out rexverse/          the layout of Rexverse-2M`,
    )
    .action(async (folder: string, { to, out, shardSize }: { to: ExportFormat; out: string; shardSize: number }) => {
      await mkdir(dirname(out), { recursive: true });
      const count = await exportRun(folder, to, out, { shardSize });
      process.stdout.write(`${out}: ${count} images\n`);
    });
}

export function rexverseViewCommand(): Command {
  return new Command('view')
    .description('write a page with the images, their phrases in color, and all that was left out')
    .argument('<folder>', 'of the run, or of its shards')
    .option('--out <file>', 'view.html in the folder by default')
    .option('--limit <n>', 'entries on the page', wholeFrom(1), 100)
    .option('--skip <n>', 'entries to leave out first', wholeFrom(0), 0)
    .addHelpText('after', '\nExample:\n  chatrex rexverse view data/ --limit 50')
    .action(async (folder: string, { out, limit, skip }: { out?: string; limit: number; skip: number }) => {
      const path = out ?? join(folder, 'view.html');
      const shown = await writeViewPage(folder, path, { limit, skip });
      process.stdout.write(`${path}: ${shown} entries\n`);
    });
}
