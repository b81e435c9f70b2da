/** `chatrex data sheet`: samples with their boxes and names on one page. */

import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { drawSheet } from '../../datasets/contact-sheet.ts';
import { imageFormatOf } from '../../drawing/encode.ts';
import { ChatRexError } from '../../errors.ts';
import { writeAll, writeBeside } from '../../files.ts';
import { createRandom } from '../../random.ts';
import { whole } from '../option-types.ts';
import { lateBar, type SpecOptions, specCommand, withDataset } from './open-spec.ts';

interface SheetOptions extends SpecOptions {
  readonly out: string;
  readonly count: number;
  readonly columns: number;
  readonly seed?: number;
  readonly force?: boolean;
}

export function sheetCommand(): Command {
  return specCommand(new Command('sheet'))
    .description('draw samples with their boxes and names on one page')
    .requiredOption('--out <file>', 'the page: .png, .jpg or .webp')
    .option('--count <n>', 'how many samples, 1 to 200', whole(1, 200), 24)
    .option('--columns <n>', 'samples in a row, 1 to 20', whole(1, 20), 4)
    .option('--seed <n>', 'draw samples by chance; evenly spaced by default', whole(0, Number.MAX_SAFE_INTEGER))
    .option('--force', 'replace a file that is there')
    .addHelpText(
      'after',
      `
Example:
  chatrex data sheet coco:instances_val2017.json,images=val2017 --out sheet.png`,
    )
    .action(runSheet);
}

async function runSheet(spec: string, { out, count, columns, seed, force, ...options }: SheetOptions): Promise<void> {
  const format = imageFormatOf(out);
  if (existsSync(out) && !force) {
    throw new ChatRexError('invalid-argument', `${out} exists: choose another name, or --force to replace it`);
  }
  await withDataset('data sheet', spec, options, async (dataset, signal) => {
    if (dataset.size === 0) throw new ChatRexError('invalid-file', `${dataset.name} has no samples to draw`);
    const indices = chosen(dataset.size, count, seed);
    const bar = lateBar('data sheet', indices.length);
    const onProgress = (done: number) => bar.update(done);
    const bytes = await drawSheet(dataset, { indices, columns, format, signal, onProgress });
    await writeBeside(out, (file) => writeAll(file, bytes));
    bar.end('done');
    process.stdout.write(`${indices.length} of ${dataset.size} samples: ${out}\n`);
  });
}

/** Evenly spaced, so that files in order of their making show all of it; or by chance, each once. */
function chosen(size: number, count: number, seed: number | undefined): number[] {
  const wanted = Math.min(size, count);
  if (seed === undefined) return Array.from({ length: wanted }, (_, at) => Math.floor((at * size) / wanted));
  const random = createRandom(`sheet/${seed}`);
  const indices = new Set<number>();
  while (indices.size < wanted) indices.add(random.int(0, size - 1));
  return [...indices].sort((a, b) => a - b);
}
