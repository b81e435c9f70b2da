/** `chatrex quantize`: writes a smaller model folder that loads by the same path. */

import { Command, Option } from 'commander';
import { type PartFormats, quantize } from '../chatrex/quantize.ts';
import { ChatRexError } from '../errors.ts';
import { quantizedLanguageFormats } from '../language/language-format.ts';
import { progressBar } from './progress.ts';

export function quantizeCommand(): Command {
  return new Command('quantize')
    .description('write a model with the weights of its linear layers as integers')
    .argument('<folder>', 'the model: config.json, safetensors, tokenizer')
    .argument('<out>', 'the folder to make')
    .addOption(new Option('--language <format>', 'of the language model').choices([...quantizedLanguageFormats]))
    .addOption(new Option('--vision <format>', 'of encoders and projectors').choices(['int8']))
    .addOption(new Option('--upn <format>', 'of a UPN: a file, its folder, or upn/ of a ChatRex').choices(['int8']))
    .addHelpText(
      'after',
      `
int4 is smallest and writes fastest. int4+int8 holds both, three times the memory of int4, and reads about twice
as fast; where the processor has no instructions for bytes only int4 is used.

Examples:
  chatrex quantize ChatRex-7B ChatRex-7B-int4 --language int4 --vision int8 --upn int8
  chatrex quantize upn-large.safetensors upn-large-int8.safetensors --upn int8`,
    )
    .action(async (source: string, out: string, options: PartFormats) => {
      if (!options.language && !options.vision && !options.upn) {
        throw new ChatRexError(
          'invalid-argument',
          'quantize: say what, with --language int4|int8|int4+int8, --vision int8 or --upn int8',
        );
      }
      let bar: ReturnType<typeof progressBar> | undefined;
      await quantize(source, out, options, ({ done, total, name }) => {
        bar ??= progressBar('quantize', total);
        bar.update(done, name);
      });
      bar?.end(`wrote ${out}`);
    });
}
