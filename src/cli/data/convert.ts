/** `chatrex data convert`: a data set in another format. */

import { Command, Option } from 'commander';
import { convertDataset, writtenFormats } from '../../datasets/convert.ts';
import { lateBar, type SpecOptions, specCommand, withDataset } from './open-spec.ts';

interface ConvertCommandOptions extends SpecOptions {
  readonly to: string;
  readonly out: string;
  readonly copyImages?: boolean;
  readonly force?: boolean;
}

export function convertDataCommand(): Command {
  return specCommand(new Command('convert'))
    .description('write a data set in another format')
    .addOption(new Option('--to <format>', 'what to write').choices([...writtenFormats]).makeOptionMandatory())
    .requiredOption('--out <path>', 'the file to write; for yolo, the folder')
    .option('--copy-images', 'copy images beside the file; yolo copies always')
    .option('--force', 'replace what is there')
    .addHelpText(
      'after',
      `
Examples:
  chatrex data convert coco:instances.json,images=photos --to yolo --out photos-yolo
  chatrex data convert yolo:data.yaml --to label-studio --out tasks.json
  chatrex data convert world:train,size=100 --to coco --out scenes.json

What the format has no place for is counted on stderr.`,
    )
    .action(runConvert);
}

async function runConvert(
  spec: string,
  { to, out, copyImages, force, ...options }: ConvertCommandOptions,
): Promise<void> {
  await withDataset('data convert', spec, options, async (dataset, signal) => {
    const bar = lateBar('data convert', 1000);
    const { samples, copiedImages, lost, files } = await convertDataset(dataset, {
      format: to,
      out,
      dataRoot: options.root,
      hasCopies: copyImages,
      isForced: force,
      signal,
      onProgress: (done, total) => bar.update(Math.round((1000 * done) / total)),
    });
    bar.end('done');
    for (const [kind, count] of Object.entries(lost)) process.stderr.write(`${to} has no place for ${count} ${kind}\n`);
    const copies = copiedImages > 0 ? `, ${copiedImages} images copied` : '';
    process.stdout.write(`${samples} samples${copies}: ${files.join(', ')}\n`);
  });
}
