/** `chatrex convert`: a PyTorch checkpoint becomes a safetensors file, once. */

import { Command } from 'commander';
import { convertTorchCheckpoint } from '../weights/convert.ts';
import { forceHelp, OutputFiles } from './output-files.ts';
import { progressBar } from './progress.ts';

export function convertCommand(): Command {
  return new Command('convert')
    .description('turn a PyTorch checkpoint (.pth, .pt, .bin) into a .safetensors file')
    .argument('<checkpoint>', 'the PyTorch file')
    .argument('<out>', 'the .safetensors file to write')
    .option(
      '--key <name>',
      'the part of the checkpoint to take; by default the weights of a training checkpoint are found',
    )
    .option('--force', forceHelp)
    .action(async (checkpoint: string, out: string, options: { key?: string; force?: boolean }) => {
      await new OutputFiles([checkpoint], options.force).require([out]);
      const bar = progressBar('convert', 100);
      await convertTorchCheckpoint(checkpoint, out, {
        key: options.key,
        onProgress: ({ doneBytes, totalBytes, name }) => bar.update(Math.floor((100 * doneBytes) / totalBytes), name),
      });
      bar.end(`wrote ${out}`);
    });
}
