/** `chatrex propose`: every object of images as boxes, as text, JSON lines or drawings. */

import { Command, Option } from 'commander';
import { defaultModel } from '../bundled-models.ts';
import { upnPresets } from '../proposals/config.ts';
import { defaultFilter } from '../proposals/post-process.ts';
import type { ProposeOptions } from '../proposals/proposal-network.ts';
import { imageFiles } from './image-files.ts';
import { fraction, wholeNumber } from './option-types.ts';
import { forceHelp } from './output-files.ts';
import { someFailedStatus, tellOfAll } from './tell-of-all.ts';

interface ProposeCommandOptions {
  granularity: NonNullable<ProposeOptions['granularity']>;
  model: string;
  preset: keyof typeof upnPresets;
  minScore?: number;
  nms?: number;
  maxBoxes: number;
  fast?: boolean;
  json?: boolean;
  out?: string;
  force?: boolean;
}

export function proposeCommand(): Command {
  return new Command('propose')
    .description('find every object of images')
    .argument('<images...>', 'image files, folders of them, or - for an image on standard input')
    .addOption(
      new Option('--granularity <kind>', 'pieces of things, whole things, or both')
        .choices(['fine', 'coarse', 'both'])
        .default('coarse'),
    )
    .option('--model <model>', 'a folder, a .safetensors or .pth file, or the name of a bundled model', defaultModel)
    .addOption(
      new Option('--preset <name>', 'sizes of a single weight file, which has no config.json beside it')
        .choices(Object.keys(upnPresets))
        .default('upn-large'),
    )
    .option(
      '--min-score <score>',
      `least score of a box; the model’s own by default, ${defaultFilter.minScore} where it has none`,
      fraction,
    )
    .option(
      '--nms <iou>',
      `boxes that overlap more than this are doubles; 1 keeps all; the model’s own by default, ${defaultFilter.nmsIou} where it has none`,
      fraction,
    )
    .option('--max-boxes <n>', 'most boxes per image', wholeNumber, defaultFilter.maxBoxes)
    .option('--fast', 'look at one scale only, where the model has several: quicker, and small things are missed')
    .option('--json', 'one line of JSON per image')
    .option('--out <path>', 'draw the boxes: an image file for one image, otherwise a folder')
    .option('--force', forceHelp)
    .addHelpText(
      'after',
      `
Examples:
  chatrex propose photo.jpg --model photo --out boxes.png
  chatrex propose scene.png --granularity both --out boxes.png
  chatrex propose holiday/ --json > boxes.jsonl
  chatrex propose photo.jpg --model upn_large.pth --min-score 0.4
  curl -sL https://example.org/photo.jpg | chatrex propose -

Exit status: 0 all done, ${someFailedStatus} some images could not be read (named on stderr), 1 nothing was done.`,
    )
    .action(runPropose);
}

async function runPropose(paths: string[], options: ProposeCommandOptions): Promise<void> {
  const { model, preset, json, out, force, granularity, minScore, nms: nmsIou, maxBoxes, fast } = options;
  const request = {
    kind: 'propose',
    model,
    preset,
    json,
    wish: { granularity, minScore, nmsIou, maxBoxes, fast },
  } as const;
  await tellOfAll('propose', request, await imageFiles(paths), { out, force, ending: '.boxes.jpg' });
}
