/** `chatrex quantize`: writes a smaller model folder that loads by the same path. */

import { Command, Option } from 'commander';
import { quantize } from '../chatrex/quantize.ts';
import { ChatRexError } from '../errors.ts';
import type { Quantization } from '../language/load.ts';
import { progressBar } from './progress.ts';

export function quantizeCommand(): Command {
  return new Command('quantize')
    .description('write a model with the weights of its linear layers as integers')
    .argument('<folder>', 'the model: config.json, safetensors, tokenizer')
    .argument('<out>', 'the folder to make')
    .addOption(new Option('--language <format>', 'of the language model').choices(['int4', 'int8']))
    .addOption(new Option('--vision <format>', 'of encoders and projectors').choices(['int8']))
    .action(async (folder: string, out: string, options: Quantization) => {
      if (!options.language && !options.vision) {
        throw new ChatRexError('invalid-argument', 'quantize: say what, with --language int4|int8 or --vision int8');
      }
      let bar: ReturnType<typeof progressBar> | undefined;
      await quantize(folder, out, options, ({ done, total, name }) => {
        bar ??= progressBar('quantize', total);
        bar.update(done, name);
      });
      bar?.end(`wrote ${out}`);
    });
}
