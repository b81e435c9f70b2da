/** What all commands that talk about one image share: their options, the model, and what to do when one is interrupted. */

import { type Command, Option } from 'commander';
import type { AskOptions } from '../chatrex/answer.ts';
import type { EncodedImage } from '../chatrex/encoded-image.ts';
import { ChatRex } from '../chatrex.ts';
import { decodeImage } from '../image/decode.ts';
import type { RgbImage } from '../image/rgb-image.ts';
import type { ProposeOptions } from '../proposals/upn.ts';
import { interruptible } from './interruption.ts';
import { decimal, wholeNumber } from './option-types.ts';
import { parseBoxes } from './parse-boxes.ts';

export interface ImageOptions {
  model: string;
  upn?: string;
  boxes?: string;
  granularity?: ProposeOptions['granularity'];
  maxTokens?: number;
  temperature?: number;
  topP?: number;
  seed?: number;
  json?: boolean;
  out?: string;
}

/** Adds the options that `ImageOptions` names. */
export function imageCommand(command: Command): Command {
  return command
    .option('--model <model>', 'a model folder, or the name of a bundled model', 'nano')
    .option('--upn <model>', 'another proposal network than the one in the folder')
    .option('--boxes <boxes>', 'x1,y1,x2,y2;... in pixels, or a JSON file; found by the proposal network if left out')
    .addOption(
      new Option('--granularity <kind>', 'boxes of pieces of things, of whole things, or both').choices([
        'fine',
        'coarse',
        'both',
      ]),
    )
    .option('--max-tokens <n>', 'tokens of an answer at most', wholeNumber)
    .option('--temperature <t>', '0 takes the likeliest word, 1 draws as the model thinks', decimal)
    .option('--top-p <p>', 'draw from the likeliest words that together have this probability', decimal)
    .option('--seed <n>', 'same seed, same answer', wholeNumber)
    .option('--json', 'print JSON')
    .option('--out <file>', 'draw the answer: .png, .jpg, .webp or .html');
}

export interface OpenImage {
  readonly image: RgbImage;
  readonly encoded: EncodedImage;
  /** For every question. */
  readonly options: AskOptions;
}

/** Loads the model, looks at the image, does the work; Ctrl-C ends it. */
export const withImage = <T>(path: string, options: ImageOptions, work: (open: OpenImage) => Promise<T>): Promise<T> =>
  interruptible(async (signal) => {
    // Cheap mistakes are told before a model is loaded.
    const boxes = options.boxes === undefined ? undefined : await parseBoxes(options.boxes);
    const image = await decodeImage(path);
    note('loading the model');
    const model = await ChatRex.load(options.model, { upn: options.upn });
    try {
      note('looking at the image');
      const { granularity, maxTokens, temperature, topP, seed } = options;
      const encoded = await model.encode(image, { boxes, granularity, signal });
      note('');
      if (encoded.boxes.leftOut > 0) {
        const kept = encoded.boxes.scores.length;
        process.stderr.write(`kept the best ${kept} of ${kept + encoded.boxes.leftOut} boxes\n`);
      }
      return await work({ image, encoded, options: { maxTokens, temperature, topP, seed, signal } });
    } finally {
      await model.dispose();
    }
  });

/** What is going on, on a terminal's last line; an empty text clears it. */
function note(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`);
}
