/** `chatrex world`: scenes of RexWorld as files. */

import { Command, Option } from 'commander';
import { type RenderWorldOptions, renderWorld } from '../world/render-world.ts';
import { interruptible } from './interruption.ts';
import { whole } from './option-types.ts';
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
  bar.update(0);
  await interruptible((signal) => renderWorld({ ...options, signal, onProgress: (done) => bar.update(done) }));
  bar.end(`done: ${options.out}`);
}
