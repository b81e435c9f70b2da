/** `chatrex export`: what was trained becomes a model folder. */

import { join } from 'node:path';
import { Command } from 'commander';
import { ChatRexError } from '../errors.ts';
import { exportMllm, exportUpn, modelFiles } from '../training/export.ts';
import { forceHelp, OutputFiles } from './output-files.ts';

interface ExportOptions {
  upn?: string;
  mllm?: string;
  out: string;
  force?: boolean;
}

export const exportCommand = (): Command =>
  new Command('export')
    .description('export run folders as a model folder (float16)')
    .option('--upn <run>', 'run folder of `train upn`')
    .option('--mllm <run>', 'run folder of `train align` or `train instruct`')
    .requiredOption('--out <folder>', 'model folder; the proposal network goes to upn/ in it')
    .option('--force', forceHelp)
    .addHelpText('after', '\nExample:\n  chatrex export --upn runs/upn --mllm runs/instruct --out models/mine')
    .action(async ({ upn, mllm, out, force }: ExportOptions) => {
      if (!upn && !mllm) throw new ChatRexError('invalid-argument', 'nothing to export; give --upn, --mllm or both');
      const folders = [...(upn ? [join(out, 'upn')] : []), ...(mllm ? [out] : [])];
      await new OutputFiles([], force).require(folders.flatMap(modelFiles));
      if (upn) await exportUpn(upn, join(out, 'upn'));
      if (mllm) await exportMllm(mllm, out);
      process.stderr.write(`wrote ${out}\n`);
    });
