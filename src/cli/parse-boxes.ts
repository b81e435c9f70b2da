/** `--boxes`: a JSON file, or coordinates on the command line. */

import { readFile } from 'node:fs/promises';
import type { BoxList, ScoredBoxes } from '../chatrex/image-boxes.ts';
import { ChatRexError } from '../errors.ts';

const number = String.raw`[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?`;
const coordinates = new RegExp(`^\\s*${number}(?:\\s*[,;\\s]\\s*${number})*\\s*;?\\s*$`, 'i');

/**
 * `x1,y1,x2,y2;x1,y1,x2,y2;...` in pixels, or a file with a list of such boxes or what `propose --json` prints.
 * @throws ChatRexError 'not-found', 'invalid-file', 'invalid-argument'
 */
export async function parseBoxes(text: string): Promise<BoxList | ScoredBoxes> {
  if (text.trim() === '') return [];
  if (coordinates.test(text)) {
    const boxes = text.split(';').filter((box) => box.trim() !== '');
    return boxes.map((box) =>
      box
        .trim()
        .split(/[\s,]+/)
        .map(Number),
    );
  }
  const content = await readFile(text, 'utf8').catch((cause) => {
    const expected = 'expected a JSON file or x1,y1,x2,y2;x1,y1,x2,y2';
    throw new ChatRexError('not-found', `--boxes: "${text}" cannot be read; ${expected}`, { cause });
  });
  return fromJson(text, content);
}

function fromJson(path: string, content: string): BoxList | ScoredBoxes {
  const wrong = (cause?: unknown) =>
    new ChatRexError(
      'invalid-file',
      `--boxes: ${path} must hold [[x1, y1, x2, y2], ...] or {"boxes": [...], "scores": [...]}`,
      { cause },
    );
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch (cause) {
    throw wrong(cause);
  }
  const { boxes, scores } = Array.isArray(json) ? { boxes: json, scores: undefined } : Object(json);
  const isBox = (box: unknown) => Array.isArray(box) && box.every((value) => typeof value === 'number');
  if (!Array.isArray(boxes) || !boxes.every(isBox)) throw wrong();
  if (scores === undefined) return boxes;
  if (!Array.isArray(scores) || !scores.every((score) => typeof score === 'number')) throw wrong();
  return { boxesXyxy: boxes, scores };
}
