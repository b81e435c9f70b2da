/** Loops of models that write coordinates, with a drawing of the longest one. */

import { join } from 'node:path';
import { Option } from 'commander';
import { drawBoxes } from '../../drawing/draw-boxes.ts';
import { imageFormatOf } from '../../drawing/encode.ts';
import { toPixels } from '../../evaluation/baselines/coordinates.ts';
import { drawnFrame } from '../../evaluation/baselines/repetition.ts';
import { readAllRecords } from '../../evaluation/suites/record-files.ts';
import { coordinateAnswers, type LongestRun, scoreRepetition } from '../../evaluation/suites/repetition.ts';
import { decodeImage } from '../../image/decode.ts';
import { createRgbImage, type RgbImage } from '../../image/rgb-image.ts';
import { whole } from '../option-types.ts';
import { forceHelp, OutputFiles, requireDrawable } from '../output-files.ts';
import type { ScoreSuite } from './score-suite.ts';

/** What the drawing lies on where there is no image. */
const blankSide = 1000;
const blankColor = [236, 236, 236] as const;
const runColor = [214, 40, 40] as const;
const otherColor = [90, 120, 160] as const;

export const repetition: ScoreSuite = {
  name: 'repetition',
  description: 'answers that loop: runs of the same or evenly stepping boxes',
  answers: 'records with a text of boxes, and finish_reason or tokens where they are known',
  options: [
    new Option('--max-tokens <n>', 'answers of this many tokens ran to their limit').argParser(whole(1, 2 ** 31)),
    new Option('--out <file>', 'draw the answer with the longest run'),
    new Option('--images <folder>', 'where the images of the records are; the drawing is on a blank sheet without it'),
    new Option('--force', forceHelp),
  ],
  run: async ({ answers, maxTokens, out, images, force }) => {
    const outputs = new OutputFiles(answers, force === true);
    if (out !== undefined) {
      requireDrawable(out as string, false);
      await outputs.require([out as string]);
    }
    const files = await readAllRecords(answers);
    const read = files.flatMap((file) => coordinateAnswers(file, { maxTokens: maxTokens as number | undefined }));
    const { score, longest } = scoreRepetition(read);
    if (out === undefined) return score;
    if (!longest) return { ...score, notes: [...score.notes, 'nothing drawn: no answer has a run'] };
    await outputs.write(out as string, await drawLongest(longest, out as string, images as string | undefined));
    return { ...score, notes: [...score.notes, `${out} shows the longest run, of answer ${longest.answer.id}`] };
  },
};

async function drawLongest(
  { answer, repetition: found, run }: LongestRun,
  out: string,
  folder?: string,
): Promise<Uint8Array> {
  const image: RgbImage =
    folder !== undefined && answer.image !== undefined
      ? await decodeImage(join(folder, answer.image))
      : createRgbImage(blankSide, blankSide, blankColor);
  const frame = drawnFrame(found.boxes);
  const boxes = found.boxes.map((box) => toPixels(box, frame, image));
  const isInRun = (i: number) => i >= run.from && i < run.to;
  return drawBoxes(image, Float64Array.from(boxes.flat()), {
    labels: boxes.map((_, i) => (isInRun(i) ? String(i - run.from + 1) : '')),
    colours: boxes.map((_, i) => (isInRun(i) ? runColor : otherColor)),
    format: imageFormatOf(out),
  });
}
