/** `chatrex propose`: every object of images as boxes, as text, JSON lines or drawings. */

import { Command, Option } from 'commander';
import { drawBoxes } from '../drawing/draw-boxes.ts';
import { imageFormatOf } from '../drawing/encode.ts';
import { ChatRexError } from '../errors.ts';
import type { RgbImage } from '../image/rgb-image.ts';
import { upnPresets } from '../proposals/config.ts';
import { loadProposalNetwork } from '../proposals/load-proposal-network.ts';
import { defaultFilter, type Proposals } from '../proposals/post-process.ts';
import type { ProposalNetwork, ProposeOptions } from '../proposals/proposal-network.ts';
import { type ImageFile, imageFiles, openImage } from './image-files.ts';
import { interruptible } from './interruption.ts';
import { oneLine } from './one-line.ts';
import { fraction, wholeNumber } from './option-types.ts';
import { drawingTargets, forceHelp, OutputFiles } from './output-files.ts';
import { progressBar } from './progress.ts';

/** Exit status when some images could not be read and the others were done. */
export const someFailedStatus = 3;

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
    .option('--model <model>', 'a folder, a .safetensors or .pth file, or the name of a bundled model', 'nano')
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
  const { images, leftOut } = await imageFiles(paths);
  for (const path of leftOut) process.stderr.write(`left out: ${oneLine(path)}; convert it to JPEG or PNG first\n`);
  const { out, force } = options;
  const outputs = new OutputFiles(
    images.map(({ path }) => path),
    force,
  );
  const targets = out === undefined ? undefined : await drawingTargets(out, images, { ending: '.boxes.jpg' });
  await outputs.require(targets ?? []);
  const network = await loadProposalNetwork(options.model, { preset: options.preset });
  const { granularity, json, minScore, nms: nmsIou, maxBoxes, fast } = options;
  const wish = { granularity, minScore, nmsIou, maxBoxes, fast };
  // What the network refuses is told once, not for every image.
  await network.propose([], wish);
  const bar = images.length > 1 && !(process.stdout.isTTY && !out) ? progressBar('propose', images.length) : null;
  let failures = 0;
  try {
    await interruptible(async (signal) => {
      for (const [i, file] of images.entries()) {
        bar?.update(i, file.place);
        const found = await lookAt(file, network, { ...wish, signal }).catch((error: unknown) => {
          if (!isOfOneImage(error) || images.length === 1) throw error;
          failures++;
          process.stderr.write(`${process.stderr.isTTY && bar ? '\r\x1b[2K' : ''}skipped: ${oneLine(error.message)}\n`);
        });
        if (!found) continue;
        const { image, proposals } = found;
        process.stdout.write(json ? jsonLine(file.path, granularity, proposals) : textLines(file.path, proposals));
        if (targets) await outputs.write(targets[i], await drawProposals(image, proposals, targets[i]));
      }
    });
    bar?.update(images.length);
    bar?.end(`${images.length - failures} of ${images.length} images done`);
  } finally {
    await network.dispose();
  }
  if (failures > 0) process.exitCode = failures === images.length ? 1 : someFailedStatus;
}

/** Whether other images may still be done: nobody has ended the work, and no option is at fault. */
const isOfOneImage = (error: unknown): error is ChatRexError =>
  error instanceof ChatRexError && error.code !== 'aborted' && error.code !== 'invalid-argument';

async function lookAt({ path }: ImageFile, network: ProposalNetwork, wish: ProposeOptions) {
  const image = await openImage(path);
  const [proposals] = await network.propose([image], wish);
  return { image, proposals };
}

const drawProposals = (
  image: RgbImage,
  { boxesXyxy, scores, categories: labels }: Proposals,
  path: string,
): Promise<Uint8Array> => drawBoxes(image, boxesXyxy, { scores, labels, format: imageFormatOf(path) });

function jsonLine(image: string, granularity: string, found: Proposals): string {
  const { width, height, scores, granularities, categories, categoryScores } = found;
  const origins = granularity === 'both' ? { granularities } : {};
  const names = categories && {
    categories,
    categoryScores: Array.from(categoryScores ?? [], (score) => rounded(score, 4)),
  };
  const boxes = Array.from(scores, (_, i) => boxAt(found, i).map((value) => rounded(value, 2)));
  const line = {
    image,
    width,
    height,
    granularity,
    boxes,
    scores: Array.from(scores, (s) => rounded(s, 4)),
    ...origins,
    ...names,
  };
  return `${JSON.stringify(line)}\n`;
}

function textLines(image: string, found: Proposals): string {
  const { scores, granularities, categories, width, height } = found;
  const lines = Array.from(scores, (score, i) => {
    const box = boxAt(found, i).map((value) => value.toFixed(1).padStart(8));
    const name = categories ? `  ${categories[i]}` : '';
    return `  ${score.toFixed(2)}  ${granularities[i].padEnd(6)} ${box.join('')}${name}`;
  });
  const count = `${scores.length} ${scores.length === 1 ? 'box' : 'boxes'}`;
  return `${[`${oneLine(image)}  ${width}x${height}  ${count}`, ...lines].join('\n')}\n`;
}

const boxAt = ({ boxesXyxy }: Proposals, i: number): number[] => Array.from(boxesXyxy.subarray(4 * i, 4 * i + 4));

/** Text only: boxes keep their full precision in the library. */
const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));
