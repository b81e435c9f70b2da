/**
 * `chatrex convert`: a PyTorch checkpoint becomes a safetensors file, a GGUF file the folder of a language model, once.
 */

import { Command, Option } from 'commander';
import { writeGgufFolder } from '../language/gguf-folder.ts';
import { convertTorchCheckpoint } from '../weights/convert.ts';
import { forceHelp, OutputFiles } from './output-files.ts';
import { progressBar } from './progress.ts';

interface ConvertOptions {
  key?: string;
  dtype: 'float16' | 'float32';
  force?: boolean;
}

export function convertCommand(): Command {
  return new Command('convert')
    .description('turn a PyTorch checkpoint (.pth, .pt, .bin) or a language model in GGUF into safetensors')
    .argument('<checkpoint>', 'the PyTorch or .gguf file')
    .argument('<out>', 'the .safetensors file to write; for .gguf, the folder to make')
    .option(
      '--key <name>',
      'the part of the checkpoint to take; by default the weights of a training checkpoint are found',
    )
    .addOption(
      new Option('--dtype <type>', 'how the weights of a .gguf file are stored')
        .choices(['float16', 'float32'])
        .default('float16'),
    )
    .option('--force', forceHelp)
    .addHelpText(
      'after',
      `
Examples:
  chatrex convert upn_large.pth upn-large.safetensors
  chatrex convert SmolLM2-135M-Instruct.Q4_1.gguf smollm2`,
    )
    .action(async (checkpoint: string, out: string, options: ConvertOptions) => {
      const isGguf = checkpoint.toLowerCase().endsWith('.gguf');
      if (!isGguf) await new OutputFiles([checkpoint], options.force).require([out]);
      const bar = progressBar('convert', 100);
      if (isGguf) {
        await writeGgufFolder(checkpoint, out, {
          dtype: options.dtype,
          onProgress: ({ done, total, name }) => bar.update(Math.floor((100 * done) / total), name),
        });
        bar.end(`wrote ${out}`);
        return;
      }
      await convertTorchCheckpoint(checkpoint, out, {
        key: options.key,
        onProgress: ({ doneBytes, totalBytes, name }) => bar.update(Math.floor((100 * doneBytes) / totalBytes), name),
      });
      bar.end(`wrote ${out}`);
    });
}
