/** `chatrex convert`: a PyTorch checkpoint becomes a safetensors file, once. */

import { Command } from 'commander';
import { convertTorchCheckpoint } from '../weights/convert.ts';
import { openTorchCheckpoint } from '../weights/torch-checkpoint.ts';
import { progressBar } from './progress.ts';

/** The dict of a checkpoint under which most trainers keep the weights. */
const usualKey = 'model';

export function convertCommand(): Command {
  return new Command('convert')
    .description('turn a PyTorch checkpoint (.pth, .pt, .bin) into a .safetensors file')
    .argument('<checkpoint>', 'the PyTorch file')
    .argument('<out>', 'the .safetensors file to write')
    .option('--key <name>', `the part of the checkpoint to take; "${usualKey}" when it holds nothing else`)
    .action(async (checkpoint: string, out: string, options: { key?: string }) => {
      const key = options.key ?? (await onlyKey(checkpoint));
      const bar = progressBar('convert', 100);
      await convertTorchCheckpoint(checkpoint, out, {
        key,
        onProgress: ({ doneBytes, totalBytes, name }) => bar.update(Math.floor((100 * doneBytes) / totalBytes), name),
      });
      bar.end(`wrote ${out}`);
    });
}

async function onlyKey(path: string): Promise<string | undefined> {
  const names = [...(await openTorchCheckpoint(path)).tensors.keys()];
  return names.every((name) => name.startsWith(`${usualKey}.`)) ? usualKey : undefined;
}
