/**
 * What all commands that talk about one image share: their options, the model, and what to do when one is interrupted.
 */

import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import { defaultModel } from '../bundled-models.ts';
import type { AskOptions } from '../chatrex/answer.ts';
import type { EncodedImage } from '../chatrex/encoded-image.ts';
import { ChatRex } from '../chatrex.ts';
import { ChatRexError } from '../errors.ts';
import type { GroundedText } from '../grounding/grounded-text.ts';
import type { RgbImage } from '../image/rgb-image.ts';
import { defaultFilter } from '../proposals/post-process.ts';
import type { ProposeOptions } from '../proposals/upn.ts';
import { notesOfBoxes } from './answer-image.ts';
import { drawAnswer } from './answer-output.ts';
import { openImage, standardInput } from './image-files.ts';
import { interruptible } from './interruption.ts';
import { decimal, fraction, wholeNumber } from './option-types.ts';
import { drawingTargets, forceHelp, OutputFiles } from './output-files.ts';
import { parseBoxes, requireSameSize } from './parse-boxes.ts';

export interface ImageOptions {
  model: string;
  upn?: string;
  boxes?: string;
  granularity?: ProposeOptions['granularity'];
  minScore?: number;
  nms?: number;
  maxBoxes?: number;
  maxTokens?: number;
  temperature?: number;
  topP?: number;
  seed?: number;
  json?: boolean;
  out?: string;
  force?: boolean;
}

/** Adds the options that `ImageOptions` names. */
export function imageCommand(command: Command): Command {
  const granularity = new Option('--granularity <kind>', 'boxes of pieces of things, of whole things, or both');
  const found = [
    granularity.choices(['fine', 'coarse', 'both']),
    new Option('--min-score <score>', 'least score of a box that is found; the model’s own by default').argParser(
      fraction,
    ),
    new Option(
      '--nms <iou>',
      `found boxes that overlap more than this are doubles; 1 keeps all, ${defaultFilter.nmsIou} by default`,
    ).argParser(fraction),
    new Option('--max-boxes <n>', 'most boxes that are found, up to 100').argParser(wholeNumber),
  ];
  command
    .option('--model <model>', 'a model folder, or the name of a bundled model', defaultModel)
    .option('--upn <model>', 'override the proposal network of the folder')
    .option('--boxes <boxes>', 'x1,y1,x2,y2;... in pixels, or a JSON file; found by the proposal network if left out');
  for (const option of found) command.addOption(option.conflicts('boxes'));
  return command
    .option('--max-tokens <n>', 'tokens of an answer at most', wholeNumber)
    .option('--temperature <t>', 'sampling temperature; 0 is greedy', decimal)
    .option('--top-p <p>', 'nucleus sampling: the most likely words that together have this probability', decimal)
    .option('--seed <n>', 'same seed, same answer', wholeNumber)
    .option('--json', 'print JSON')
    .option('--out <path>', 'draw the answer: .png, .jpg, .webp or .html, or a folder')
    .option('--force', forceHelp);
}

/** Argument of every command. */
export const imageArgument = ['<image>', 'an image file, or - for standard input'] as const;

/** Argument of commands that put one question to every image of a folder. */
export const imagesArgument = ['<image>', 'an image file, a folder of them, or - for standard input'] as const;

export interface OpenImage {
  readonly image: RgbImage;
  readonly encoded: EncodedImage;
  /** For every question. */
  readonly options: AskOptions;
  /** Draws an answer where the user wants it: `--out` by default, which may be absent. */
  draw(spans: GroundedText, question?: string, out?: string): Promise<void>;
}

/**
 * Loads the model, looks at the image, does the work; Ctrl-C ends it. Cheap mistakes are told before a model is loaded.
 */
export const withImage = <T>(path: string, options: ImageOptions, work: (open: OpenImage) => Promise<T>): Promise<T> =>
  interruptible(async (signal) => {
    const place = path === standardInput ? 'standard-input' : basename(path);
    const outputs = new OutputFiles(
      [path, options.boxes ?? ''].filter((input) => input !== ''),
      options.force,
    );
    const target = async (out: string) => {
      const [target] = await drawingTargets(out, [{ path, place }], { ending: '.answer.jpg', mayBeHtml: true });
      await outputs.require([target]);
      return target;
    };
    const ownTarget = options.out === undefined ? undefined : await target(options.out);
    const given = options.boxes === undefined ? undefined : await parseBoxes(options.boxes);
    const image = await openImage(path);
    if (given) requireSameSize(given, image);
    note('loading the model');
    const model = await ChatRex.load(options.model, { upn: options.upn });
    try {
      note('looking at the image');
      const { granularity, minScore, nms: nmsIou, maxBoxes, maxTokens, temperature, topP, seed } = options;
      const filter = { granularity, minScore, nmsIou, maxBoxes };
      const encoded = await model.encode(image, { boxes: given?.boxes, ...filter, signal });
      note('');
      for (const line of notesOfBoxes(encoded)) process.stderr.write(`${line}\n`);
      return await work({
        image,
        encoded,
        options: { maxTokens, temperature, topP, seed, signal },
        draw: async (spans, question, out) => {
          const file = out === undefined ? ownTarget : await target(out);
          if (file !== undefined)
            await outputs.write(file, await drawAnswer(file, { image, encoded, question }, spans));
        },
      });
    } finally {
      await model.dispose();
    }
  });

/** A question with words in it. @throws ChatRexError 'invalid-argument' */
export function requireWords(text: string, what: string): string {
  if (text.trim() !== '') return text;
  throw new ChatRexError('invalid-argument', `${what}: expected words, came nothing`);
}

/** What is going on, on a terminal's last line; an empty text clears it. */
function note(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`);
}
