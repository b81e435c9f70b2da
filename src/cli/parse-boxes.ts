/** `--boxes`: a JSON file, or coordinates on the command line. */

import { readFile, stat } from 'node:fs/promises';
import type { BoxList, ScoredBoxes } from '../chatrex/image-boxes.ts';
import { ChatRexError } from '../errors.ts';
import type { ImageSize } from '../image/rgb-image.ts';

const number = String.raw`[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?`;
const coordinates = new RegExp(`^\\s*${number}(?:\\s*[,;\\s]\\s*${number})*\\s*;?\\s*$`, 'i');

/** The boxes of an image are a hundred lines; more is another kind of file. */
const maxFileBytes = 16 * 2 ** 20;

export interface GivenBoxes {
  readonly boxes: BoxList | ScoredBoxes;
  /** The image they were made for, where a file says so. */
  readonly size?: ImageSize;
}

/**
 * `x1,y1,x2,y2;x1,y1,x2,y2;...` in pixels, or a file with a list of such boxes or what `propose --json` prints.
 * @throws ChatRexError 'not-found', 'invalid-file', 'invalid-argument'
 */
export async function parseBoxes(text: string): Promise<GivenBoxes> {
  if (text.trim() === '') return { boxes: [] };
  if (coordinates.test(text)) {
    const boxes = text.split(';').filter((box) => box.trim() !== '');
    return {
      boxes: boxes.map((box) =>
        box
          .trim()
          .split(/[\s,]+/)
          .map(Number),
      ),
    };
  }
  return fromJson(text, await readText(text));
}

/** @throws ChatRexError 'invalid-argument' for boxes that were made for an image of another size */
export function requireSameSize({ size }: GivenBoxes, { width, height }: ImageSize): void {
  if (!size || (size.width === width && size.height === height)) return;
  throw new ChatRexError(
    'invalid-argument',
    `--boxes: made for an image of ${size.width} x ${size.height} pixels, and this one has ${width} x ${height}; ` +
      'give the image they were made for, or scale the boxes and correct width and height',
  );
}

async function readText(path: string): Promise<string> {
  const expected = 'expected a JSON file or x1,y1,x2,y2;x1,y1,x2,y2';
  const unreadable = (cause: unknown) =>
    new ChatRexError('not-found', `--boxes: "${path}" cannot be read; ${expected}`, { cause });
  const info = await stat(path).catch((cause) => {
    throw unreadable(cause);
  });
  if (info.size > maxFileBytes) {
    throw new ChatRexError(
      'limit-exceeded',
      `--boxes: "${path}" has ${info.size} bytes; at most ${maxFileBytes} are read`,
    );
  }
  const content = await readFile(path, 'utf8').catch((cause) => {
    throw unreadable(cause);
  });
  // A byte order mark, as some editors write it, is no part of JSON.
  return content.replace(/^\uFEFF/, '');
}

function fromJson(path: string, content: string): GivenBoxes {
  const wrong = (found: string, cause?: unknown) => {
    const expected = 'must hold [[x1, y1, x2, y2], ...] or {"boxes": [...], "scores": [...]}';
    return new ChatRexError('invalid-file', `--boxes: ${path} ${expected}; ${found}`, { cause });
  };
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch (cause) {
    throw wrong(whyNoJson(content, cause as Error), cause);
  }
  const { boxes, scores, width, height } = Array.isArray(json)
    ? { boxes: json, scores: undefined, width: undefined, height: undefined }
    : Object(json);
  if (!Array.isArray(boxes)) throw wrong('it holds no list of boxes');
  if (boxes.some((box) => Array.isArray(Object(box).bbox))) {
    throw wrong(
      'it holds COCO results, whose bbox is x, y, width, height; write [x, y, x + width, y + height] for each',
    );
  }
  const misfit = boxes.findIndex((box) => !isNumbers(box) || box.length !== 4);
  if (misfit >= 0) throw wrong(`box ${misfit} is ${JSON.stringify(boxes[misfit]).slice(0, 80)}`);
  const size = isNumbers([width, height]) ? { width, height } : undefined;
  if (scores === undefined) return { boxes, size };
  if (!isNumbers(scores) || scores.length !== boxes.length) throw wrong('its scores are no number for each box');
  return { boxes: { boxesXyxy: boxes, scores }, size };
}

const isNumbers = (list: unknown): list is number[] =>
  Array.isArray(list) && list.every((value) => typeof value === 'number');

/** In words that help; the parser's own are kept for what is not foreseen. */
function whyNoJson(content: string, { message }: Error): string {
  const lines = content.split('\n').filter((line) => line.trim() !== '');
  if (lines.length > 1 && lines.every(isJson)) {
    return `it holds ${lines.length} lines of JSON, one for each image; give a file with the line of this image alone`;
  }
  if (/\bNaN\b|\bInfinity\b/.test(content)) return 'it holds NaN or Infinity, which are no JSON';
  const isCut = /end of JSON|after array element|after property value|Unterminated/.test(message);
  const place = Number(/position (\d+)/.exec(message)?.[1] ?? content.length);
  if (isCut && place >= content.trimEnd().length) {
    return `it ends within the JSON after ${content.trimEnd().length} characters, as a file that was cut does`;
  }
  return `it is no JSON (${message.slice(0, 120)})`;
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
