/** JSON Lines, and files that are either JSON Lines or one JSON array. */

import { ChatRexError } from '../../errors.ts';
import type { ReaderContext } from '../reader.ts';
import { type ByteOptions, fileBytes } from './bytes.ts';
import { jsonElements } from './elements.ts';
import { parseJson } from './parse.ts';

/** A line longer than this is not one record. */
const maxLineBytes = 256 * 2 ** 20;

const newline = 0x0a;

export interface TextLine {
  /** From 1. */
  readonly number: number;
  /** First byte of the line in the file (of what it unpacks to). */
  readonly start: number;
  readonly bytes: Buffer;
}

/** The lines of a file without their line breaks, in batches; blank ones and a byte order mark are left out. */
export async function* textLines(path: string, options: ByteOptions = {}): AsyncGenerator<TextLine[]> {
  let rest: Buffer = Buffer.alloc(0);
  let number = 0;
  let base = options.start ?? 0;
  const lineOf = (bytes: Buffer, start: number): TextLine[] => {
    number++;
    let line = bytes.at(-1) === 0x0d ? bytes.subarray(0, -1) : bytes;
    const hasMark = number === 1 && line.subarray(0, 3).equals(byteOrderMark);
    if (hasMark) line = line.subarray(3);
    const isBlank = line.every((byte) => byte === 0x20 || byte === 0x09);
    return isBlank ? [] : [{ number, start: hasMark ? start + 3 : start, bytes: line }];
  };
  for await (const chunk of fileBytes(path, options)) {
    const bytes: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const lines: TextLine[] = [];
    let start = 0;
    // What is left of earlier chunks has no line break.
    for (let end = bytes.indexOf(newline, rest.length); end >= 0; end = bytes.indexOf(newline, start)) {
      lines.push(...lineOf(bytes.subarray(start, end), base + start));
      start = end + 1;
    }
    rest = bytes.subarray(start);
    base += start;
    if (rest.length > maxLineBytes) {
      throw new ChatRexError(
        'limit-exceeded',
        `${path}: line ${number + 1} has more than ${maxLineBytes / 2 ** 20} MB`,
      );
    }
    if (lines.length > 0) yield lines;
  }
  const last = lineOf(rest, base);
  if (last.length > 0) yield last;
}

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/** A record and its place, for faults. */
export interface PlacedRecord {
  readonly value: unknown;
  /** `line 7` or `entry 6`. */
  readonly place: string;
}

/**
 * The records of a file that is JSON Lines or one JSON array. A line that cannot be read is a fault; a fault in an
 * array ends the reading, since nothing after it can be found.
 * @throws ChatRexError 'invalid-file' also where no line at all can be read
 */
export async function* jsonRecords(path: string, context: ReaderContext): AsyncGenerator<PlacedRecord> {
  const file = context.resolve(path);
  if ((await firstCharacter(file)) === '[') {
    for await (const batch of jsonElements(file, context)) {
      for (const { value, index } of batch) yield { value, place: `entry ${index}` };
    }
    return;
  }
  yield* jsonLines(path, context);
}

/** The records of a JSON Lines file; lines that cannot be read are faults. */
export async function* jsonLines(path: string, context: ReaderContext): AsyncGenerator<PlacedRecord> {
  const file = context.resolve(path);
  let good = 0;
  let firstProblem: string | undefined;
  for await (const lines of textLines(file, context)) {
    for (const { bytes, number } of lines) {
      const text = bytes.toString('utf8');
      let value: unknown;
      try {
        value = parseJson(text);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        firstProblem ??= `${file}:${number}: not JSON: ${reason}`;
        context.report({ kind: 'bad-record', source: `line ${number}`, value: `${reason}: ${text.slice(0, 80)}` });
        continue;
      }
      good++;
      yield { value, place: `line ${number}` };
    }
  }
  if (good === 0 && firstProblem !== undefined) {
    throw new ChatRexError('invalid-file', `${firstProblem}; expected JSON Lines, one value a line`);
  }
}

/** The first character that is not white space, of what the file unpacks to. */
export async function firstCharacter(file: string): Promise<string> {
  for await (const chunk of fileBytes(file)) {
    const text = chunk
      .toString('utf8')
      .replace(/^\uFEFF/, '')
      .trimStart();
    if (text !== '') return text[0];
  }
  return '';
}
