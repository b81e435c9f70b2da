/**
 * The `.lineidx` beside an annotation TSV: the byte at which each line starts, one a line. It must agree with the
 * TSV.
 */

import { readFile, stat } from 'node:fs/promises';
import { ChatRexError } from '../../errors.ts';

/** Ten million lines of twelve digits. */
const maxFileBytes = 2 ** 28;

export interface LineIndex {
  /** Compares an entry with where a line starts. */
  check(index: number, start: number): void;
  /** What is wrong, once all lines have been checked; undefined if all of it is right. */
  problem(lineCount: number): string | undefined;
}

/** Undefined where there is no such file. */
export async function openLineIndex(path: string): Promise<LineIndex | undefined> {
  const size = (await stat(path).catch(() => undefined))?.size;
  if (size === undefined) return undefined;
  if (size > maxFileBytes) throw new ChatRexError('limit-exceeded', `${path} has ${size} bytes: not a line index`);
  const text = (await readFile(path, 'latin1')).trim();
  const starts = text === '' ? [] : text.split(/\r?\n/).map(Number);
  let wrong = 0;
  let first = '';
  return {
    check: (index, start) => {
      if (starts[index] === start) return;
      wrong++;
      first ||= `line ${index} starts at byte ${start}, not at ${starts[index] ?? 'one that is listed'}`;
    },
    problem: (lineCount) => {
      if (wrong > 0) return `${wrong} of ${lineCount} lines start elsewhere, the first: ${first}`;
      return starts.length === lineCount ? undefined : `${starts.length} entries for ${lineCount} lines`;
    },
  };
}
