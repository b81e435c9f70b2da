/** Answers on a terminal, as JSON, as drawings. */

import { extname } from 'node:path';
import type { Answer } from '../chatrex/answer.ts';
import type { DetectAnswer, EncodedImage } from '../chatrex/encoded-image.ts';
import { imageFormatOf } from '../drawing/encode.ts';
import { groundedAnswerAnsi } from '../drawing/grounded-ansi.ts';
import { drawGroundedAnswer } from '../drawing/grounded-answer.ts';
import { groundedAnswerHtml } from '../drawing/grounded-html.ts';
import type { GroundedText, Span } from '../grounding/grounded-text.ts';
import type { AnswerEvent } from '../grounding/parse.ts';
import type { RgbImage } from '../image/rgb-image.ts';
import { oneLine } from './one-line.ts';

/** Colours where a person looks and has not said no (https://no-color.org). */
export const hasColour = (stream: NodeJS.WriteStream = process.stdout): boolean =>
  stream.isTTY === true && !process.env.NO_COLOR;

/** Prints an answer while it comes; a phrase appears when its boxes are known. */
export function answerPrinter(stream: NodeJS.WriteStream = process.stdout) {
  const spans: Span[] = [];
  let isInPhrase = false;
  let printed = 0;
  const colour = hasColour(stream);
  return {
    onEvent(event: AnswerEvent): void {
      if (event.kind === 'phrase-start') {
        isInPhrase = true;
        spans.push({ kind: 'phrase', text: '', objects: [] });
        return;
      }
      const last = spans[spans.length - 1];
      if (event.kind === 'phrase-end' && last?.kind === 'phrase') {
        isInPhrase = false;
        last.objects = event.objects;
      } else if (event.kind === 'text') {
        if (last && (isInPhrase || last.kind === 'text')) last.text += event.text;
        else spans.push({ kind: 'text', text: event.text });
      }
      if (isInPhrase) return;
      // Colours go by first appearance: what was printed stays as it is when more comes.
      const text = groundedAnswerAnsi(spans, { colour });
      stream.write(text.slice(printed));
      printed = text.length;
    },
    end: () => stream.write('\n'),
  };
}

/** Text of a model without anything that could move the cursor or retitle the window. */
export const printable = (text: string): string => groundedAnswerAnsi([{ kind: 'text', text }], { colour: false });

/**
 * One line per box: score, corners, what was asked for or else the label, the model's words where they differ, index.
 */
export function boxLines(answer: Answer & { phrases?: DetectAnswer['phrases'] }): string {
  const { objects, labels, boxesXyxy, scores, phrases } = answer;
  const nameOf = (row: number) => {
    const [asked, words] = [phrases?.[row], labels[row]];
    return asked === undefined || asked.toLowerCase() === words.toLowerCase() ? words : `${asked} ("${words}")`;
  };
  const lines = objects.map((object, row) => {
    const box = Array.from(boxesXyxy.subarray(4 * row, 4 * row + 4), (value) => value.toFixed(1).padStart(8));
    return `  ${scores[row].toFixed(2)} ${box.join('')}  ${oneLine(nameOf(row))} [${object}]\n`;
  });
  return lines.join('');
}

/** What `--json` prints of an answer; numbers are shortened, the library has all their digits. */
export function answerJson(answer: Answer): Record<string, unknown> {
  const { text, spans, objects, labels, boxesXyxy, scores, issues, ending } = answer;
  const boxes = objects.map((_, row) => shortened([...boxesXyxy.subarray(4 * row, 4 * row + 4)], 2));
  return { text, spans, objects, labels, boxes, scores: shortened(scores, 4), issues, ending };
}

/** The image and its boxes, for JSON. */
export function imageJson(path: string, { size, boxes: { boxesXyxy, scores, leftOut } }: EncodedImage) {
  const boxes = scores.map((_, i) => shortened([...boxesXyxy.subarray(4 * i, 4 * i + 4)], 2));
  return { image: path, ...size, proposals: { boxes, scores: shortened(scores, 4), leftOut } };
}

const shortened = (values: readonly number[], digits: number): number[] =>
  values.map((value) => Number(value.toFixed(digits)));

/** The bytes of a drawing of an answer; the ending of `file` says how. */
export async function drawAnswer(
  file: string,
  { image, encoded, question }: { image: RgbImage; encoded: EncodedImage; question?: string },
  spans: GroundedText,
): Promise<Uint8Array> {
  const { boxesXyxy } = encoded.boxes;
  if (extname(file).toLowerCase() === '.html') {
    return new TextEncoder().encode(await groundedAnswerHtml(image, spans, boxesXyxy, { question }));
  }
  const onWarning = (message: string) => process.stderr.write(`${oneLine(message)}\n`);
  return drawGroundedAnswer(image, spans, boxesXyxy, { question, format: imageFormatOf(file), onWarning });
}
