/**
 * An image with its answer underneath or beside it, phrases and boxes in the same colours, as in the paper's figures.
 */
import type { BoxArray } from '../boxes/box-array.ts';
import type { GroundedText } from '../grounding/grounded-text.ts';
import type { ImageSize, RgbImage } from '../image/rgb-image.ts';
import { toHex } from './colours.ts';
import { boxLayer, type DrawnBox, drawingScale, drawOver, scaledSize, visiblePart } from './draw-boxes.ts';
import { encodeImage, type ImageFormat } from './encode.ts';
import { phraseBoxes, type ShownSpan, showSpans } from './phrases.ts';
import { cleanText, DESCENT, textOutline, warnOfMissing } from './text.ts';
import { type Run, wrapText } from './wrap-text.ts';

/** Images taller than this times their width have the answer at their right, others underneath. */
const TALL_RATIO = 1.2;
/** Lines of the panel that are shown; a longer answer ends in an ellipsis (the whole text is in the HTML). */
const MAX_LINES = 80;
const LINE_HEIGHT = 1.55;
/** Colours tie boxes to the text already, so labels may hide less of the image than they may without it. */
const LABEL_BUDGET = 0.07;

export interface GroundedAnswerOptions {
  /** Shown in bold above the answer. */
  readonly question?: string;
  /** `png` when left out. */
  readonly format?: ImageFormat;
  /** Called with one sentence when the drawing cannot show something as it is. */
  readonly onWarning?: (message: string) => void;
}

/**
 * Draws the boxes that an answer names and writes the answer with its phrases highlighted.
 * @param boxesXyxy [N,4] in pixels of `image`: the object list to which the answer's indices refer
 * @returns the bytes of an image file
 * @example await writeFile('answer.png', await drawGroundedAnswer(image, answer.spans, encoded.boxes.boxesXyxy));
 */
export async function drawGroundedAnswer(
  image: RgbImage,
  answer: GroundedText,
  boxesXyxy: BoxArray,
  options: GroundedAnswerOptions = {},
): Promise<Uint8Array> {
  const spans = showSpans(answer);
  const named = phraseBoxes(spans, boxesXyxy);
  warnOfMissing([options.question ?? '', ...spans.map(({ text }) => text)], options.onWarning);
  const scale = drawingScale(image, named.length);
  const size = scaledSize(image, scale);
  const boxes = named.flatMap(({ object, text, colour, depth }): DrawnBox[] => {
    const part = visiblePart(boxesXyxy, object, image, scale);
    if (part === undefined) return [];
    return [
      {
        ...inset(part, depth * (Math.min(size.width, size.height) / 100)),
        colour,
        label: cleanText(text),
        isNamed: true,
      },
    ];
  });
  const isBeside = size.height > TALL_RATIO * size.width;
  const panelWidth = isBeside ? Math.round(Math.max(size.width * 0.8, size.height * 0.45)) : size.width;
  const panel = captionPanel(spans, options.question, panelWidth, panelWidth / (isBeside ? 30 : 40));
  const canvas: ImageSize = isBeside
    ? { width: size.width + panelWidth, height: Math.max(size.height, panel.height) }
    : { width: size.width, height: size.height + panel.height };
  const [x, y] = isBeside ? [size.width, 0] : [0, size.height];
  const layer = `${boxLayer(boxes, size, LABEL_BUDGET)}<g transform="translate(${x} ${y})">${panel.layer}</g>`;
  return encodeImage(drawOver(image, size, layer, canvas), options.format ?? 'png');
}

/** A box that another phrase has already drawn shrinks a little, so that both colours show. */
function inset<B extends { left: number; top: number; right: number; bottom: number }>(box: B, by: number): B {
  const x = Math.min(by, (box.right - box.left) / 4);
  const y = Math.min(by, (box.bottom - box.top) / 4);
  return { ...box, left: box.left + x, top: box.top + y, right: box.right - x, bottom: box.bottom - y };
}

function captionPanel(
  spans: readonly ShownSpan[],
  question: string | undefined,
  width: number,
  wishedFontSize: number,
): { layer: string; height: number } {
  const fontSize = Math.max(14, Math.min(34, wishedFontSize));
  const padding = fontSize * 1.1;
  const heading = question === undefined ? [] : [{ text: cleanText(question), weight: 'bold' as const }];
  const shown = spans.map((span) => ({ ...span, text: keepLines(span.text) }));
  const questionLines = heading.length === 0 ? [] : wrapText(heading, width - 2 * padding, fontSize);
  const answerLines = shortened(wrapText(shown, width - 2 * padding, fontSize));
  const parts: string[] = [];
  let baseline = padding + fontSize;
  for (const line of questionLines) {
    for (const run of line) {
      parts.push(`<path d="${textOutline(run.text, padding + run.x, baseline, fontSize, 'bold')}" fill="#1a1a1a"/>`);
    }
    baseline += fontSize * LINE_HEIGHT;
  }
  if (questionLines.length > 0) baseline += fontSize * 0.3;
  for (const line of answerLines) {
    for (const run of line) parts.push(answerRun(run, shown[run.span], padding, baseline, fontSize));
    baseline += fontSize * LINE_HEIGHT;
  }
  const height = Math.ceil(baseline - fontSize * LINE_HEIGHT + fontSize * DESCENT + padding);
  return { layer: parts.join(''), height };
}

function answerRun(run: Run, span: ShownSpan, left: number, baseline: number, fontSize: number): string {
  const x = left + run.x;
  const outline = `<path d="${textOutline(run.text, x, baseline, fontSize)}" fill="#1a1a1a"/>`;
  if (span.colour === undefined) return outline;
  const margin = fontSize * 0.12;
  return (
    `<rect x="${(x - margin).toFixed(2)}" y="${(baseline - fontSize * 0.98).toFixed(2)}"` +
    ` width="${(run.width + 2 * margin).toFixed(2)}" height="${(fontSize * 1.32).toFixed(2)}"` +
    ` rx="${(fontSize * 0.2).toFixed(2)}" fill="${toHex(span.colour)}"/>${outline}`
  );
}

/** Control characters go, line breaks stay. */
function keepLines(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/[^\S\n]+/g, ' ')
    .replace(/[\p{Cf}\p{Cs}]|(?!\n)\p{Cc}/gu, '');
}

function shortened(lines: Run[][]): Run[][] {
  if (lines.length <= MAX_LINES) return lines;
  const kept = lines.slice(0, MAX_LINES);
  const last = kept[MAX_LINES - 1].at(-1);
  if (last !== undefined) last.text += ' …';
  return kept;
}
