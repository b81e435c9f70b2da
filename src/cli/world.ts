/** `chatrex world`: scenes of RexWorld as files. */

import { Command, InvalidArgumentError, Option } from 'commander';
import { type RenderWorldOptions, renderWorld } from '../world/render-world.ts';
import { progressBar } from './progress.ts';

type RenderOptions = Required<Omit<RenderWorldOptions, 'onProgress' | 'signal'>>;

export function worldCommand(): Command {
  return new Command('world')
    .description('the procedural world that the bundled model knows')
    .addCommand(renderCommand());
}

function renderCommand(): Command {
  return new Command('render')
    .description('write images, COCO annotations (fine and coarse), conversations and a contact sheet')
    .requiredOption('--seed <n>', 'which scenes: same seed, same bytes', whole(0, Number.MAX_SAFE_INTEGER))
    .requiredOption('--count <k>', 'how many scenes, 1 to 1,000,000', whole(1, 1_000_000))
    .addOption(
      new Option('--split <name>', 'splits never share a scene')
        .choices(['train', 'val', 'test'])
        .makeOptionMandatory(),
    )
    .requiredOption('--out <folder>', 'a folder that does not exist yet')
    .option('--size <pixels>', 'side of the square images, 64 to 4096', whole(64, 4096), 256)
    .addOption(new Option('--format <name>', 'of the images').choices(['png', 'jpg']).default('png'))
    .addHelpText('after', '\nExample:\n  chatrex world render --seed 7 --count 100 --split val --out scenes')
    .action(runRender);
}

async function runRender(options: RenderOptions): Promise<void> {
  const bar = progressBar('world render', options.count);
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    bar.update(0);
    await renderWorld({ ...options, signal: interruption.signal, onProgress: (done) => bar.update(done) });
    bar.end(`done: ${options.out}`);
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

const whole = (least: number, most: number) => (text: string) => {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}.`);
};
