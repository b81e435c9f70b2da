/**
 * Reads the files in which evaluation scripts keep questions and answers: a JSON list, a JSON object by id, JSON Lines
 * (with or without a comma after each line, as SEED-Bench has them), or a table with tabs or commas as pandas writes
 * it.
 */

import { open, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { ChatRexError } from '../../errors.ts';
import { parseTable } from './parse-table.ts';

export type RawRecord = Readonly<Record<string, unknown>>;

/** The longest text that the engine holds in one string is a little more. */
const maxBytes = 500 * 2 ** 20;

/**
 * A file's records; an object by id becomes records `{ id, value }`, or the values with their `id` where those are
 * objects.
 */
export interface RecordFile {
  readonly path: string;
  readonly records: readonly RawRecord[];
}

/**
 * Reads a file of records.
 * @throws ChatRexError 'not-found', 'limit-exceeded', or 'invalid-file' with the line at fault.
 */
export async function readRecords(path: string): Promise<RecordFile> {
  const text = (await readText(path)).replace(/^\uFEFF/, '');
  const extension = extname(path).toLowerCase();
  if (extension === '.tsv' || extension === '.csv') {
    return { path, records: parseTable(text, extension === '.tsv' ? '\t' : ',', path) };
  }
  const isLines = extension === '.jsonl' || extension === '.ndjson';
  return { path, records: recordsOf(isLines ? parseLines(text, path) : parseJsonOrLines(text, path), path) };
}

/** Reads several files one after the other. */
export async function readAllRecords(paths: readonly string[]): Promise<RecordFile[]> {
  const files: RecordFile[] = [];
  for (const path of paths) files.push(await readRecords(path));
  return files;
}

async function readText(path: string): Promise<string> {
  const size = await stat(path).catch((cause) => {
    throw new ChatRexError('not-found', `${path}: no such file`, { cause });
  });
  if (size.isDirectory()) throw new ChatRexError('invalid-file', `${path}: expected a file, came a folder`);
  if (size.size > maxBytes) {
    throw new ChatRexError('limit-exceeded', `${path}: expected at most ${maxBytes} bytes, came ${size.size}`);
  }
  const file = await open(path);
  try {
    const bytes = await file.readFile();
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new ChatRexError('invalid-file', `${path}: expected UTF-8 text; convert the file`, { cause });
  } finally {
    await file.close();
  }
}

function parseJsonOrLines(text: string, path: string): unknown {
  const start = text.trimStart();
  if (start === '') throw new ChatRexError('invalid-file', `${path}: expected records, came an empty file`);
  if (start.startsWith('[') || !/^\{.*\}\s*,?[ \t]*\r?\n\s*\{/.test(start)) {
    try {
      return JSON.parse(text);
    } catch (cause) {
      // A list that is broken has no lines to fall back on.
      if (!start.startsWith('{')) throw brokenJson(path, text, cause);
    }
  }
  return parseLines(text, path);
}

function parseLines(text: string, path: string): unknown[] {
  const records: unknown[] = [];
  let number = 0;
  for (const line of text.split('\n')) {
    number++;
    const content = line.trim().replace(/,$/, '');
    if (content === '') continue;
    try {
      records.push(JSON.parse(content));
    } catch (cause) {
      const reason = (cause as Error).message;
      throw new ChatRexError('invalid-file', `${path}: line ${number}: expected JSON: ${reason}`, { cause });
    }
  }
  return records;
}

function brokenJson(path: string, text: string, cause: unknown): ChatRexError {
  const reason = (cause as Error).message;
  const at = /position (\d+)/.exec(reason);
  const place = at ? `line ${text.slice(0, Number(at[1])).split('\n').length}: ` : '';
  const advice = /\bNaN\b|\bInfinity\b/.test(text)
    ? '; NaN and Infinity are no JSON, write null or leave them out'
    : '';
  return new ChatRexError('invalid-file', `${path}: ${place}expected JSON: ${reason}${advice}`, { cause });
}

function recordsOf(json: unknown, path: string): RawRecord[] {
  if (Array.isArray(json)) {
    json.forEach((record, i) => {
      if (!isRecord(record)) {
        throw new ChatRexError('invalid-file', `${path}: record ${i}: expected an object, came ${kindOf(record)}`);
      }
    });
    return json as RawRecord[];
  }
  if (!isRecord(json)) {
    throw new ChatRexError('invalid-file', `${path}: expected a list of records, came ${kindOf(json)}`);
  }
  return Object.entries(json).map(([id, value]) => (isRecord(value) ? { id, ...value } : { id, value }));
}

export const isRecord = (value: unknown): value is RawRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}
