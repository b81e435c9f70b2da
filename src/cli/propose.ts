/** `chatrex propose`: every object of images as boxes, as text, JSON lines or drawings. */

import { mkdir, stat } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { Command, Option } from 'commander';
import { drawBoxes } from '../drawing/draw-boxes.ts';
import { imageFormatOf } from '../drawing/encode.ts';
import { ChatRexError } from '../errors.ts';
import { writeAll, writeBeside } from '../files.ts';
import { decodeImage } from '../image/decode.ts';
import { upnPresets } from '../proposals/config.ts';
import { loadProposalNetwork } from '../proposals/load-proposal-network.ts';
import { defaultFilter, type Proposals } from '../proposals/post-process.ts';
import type { ProposeOptions } from '../proposals/proposal-network.ts';
import { type ImageFile, imageFiles } from './image-files.ts';
import { fraction, wholeNumber } from './option-types.ts';
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
}

export function proposeCommand(): Command {
  return new Command('propose')
    .description('find every object of images')
    .argument('<images...>', 'image files, or folders of them')
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
    .addHelpText(
      'after',
      `
Examples:
  chatrex propose photo.jpg --model photo --out boxes.png
  chatrex propose scene.png --granularity both --out boxes.png
  chatrex propose holiday/ --json > boxes.jsonl
  chatrex propose photo.jpg --model upn_large.pth --min-score 0.4

Exit status: 0 all done, ${someFailedStatus} some images could not be read (named on stderr), 1 nothing was done.`,
    )
    .action(runPropose);
}

async function runPropose(paths: string[], options: ProposeCommandOptions): Promise<void> {
  const files = await imageFiles(paths);
  const target = options.out === undefined ? undefined : await drawingTarget(options.out, files);
  const network = await loadProposalNetwork(options.model, { preset: options.preset });
  const { granularity, minScore, nms: nmsIou, maxBoxes, fast } = options;
  const wish = { granularity, minScore, nmsIou, maxBoxes, fast };
  // What the network refuses is told once, not for every image.
  await network.propose([], wish);
  const bar = files.length > 1 && !(process.stdout.isTTY && !options.out) ? progressBar('propose', files.length) : null;
  let failures = 0;
  try {
    for (const [i, file] of files.entries()) {
      bar?.update(i, file.place);
      try {
        const image = await decodeImage(file.path);
        const [found] = await network.propose([image], wish);
        process.stdout.write(options.json ? jsonLine(file.path, granularity, found) : textLines(file.path, found));
        if (target) {
          const { boxesXyxy, scores, categories: labels } = found;
          await writeDrawing(target(file), (format) => drawBoxes(image, boxesXyxy, { scores, labels, format }));
        }
      } catch (error) {
        if (!(error instanceof ChatRexError) || files.length === 1) throw error;
        failures++;
        process.stderr.write(`${process.stderr.isTTY && bar ? '\r\x1b[2K' : ''}skipped: ${error.message}\n`);
      }
    }
    bar?.update(files.length);
    bar?.end(`${files.length - failures} of ${files.length} images done`);
  } finally {
    await network.dispose();
  }
  if (failures > 0) process.exitCode = failures === files.length ? 1 : someFailedStatus;
}

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
  return `${[`${image}  ${width}x${height}  ${count}`, ...lines].join('\n')}\n`;
}

const boxAt = ({ boxesXyxy }: Proposals, i: number): number[] => Array.from(boxesXyxy.subarray(4 * i, 4 * i + 4));

/** Text only: boxes keep their full precision in the library. */
const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

/** Where the drawing of each image goes. @throws ChatRexError when several images should go into one file */
async function drawingTarget(out: string, files: readonly ImageFile[]): Promise<(file: ImageFile) => string> {
  const isFolder = (await stat(out).catch(() => undefined))?.isDirectory() ?? extname(out) === '';
  if (!isFolder) {
    imageFormatOf(out);
    if (files.length > 1) {
      throw new ChatRexError('invalid-argument', `--out ${out} is one file for ${files.length} images; name a folder`);
    }
    return () => out;
  }
  return ({ place }) => join(out, `${place}.boxes.jpg`);
}

async function writeDrawing(path: string, draw: (format: ReturnType<typeof imageFormatOf>) => Promise<Uint8Array>) {
  const bytes = await draw(imageFormatOf(path));
  await mkdir(dirname(path), { recursive: true });
  await writeBeside(path, (file) => writeAll(file, bytes));
}
