/**
 * Recognises what is often saved in place of a file: Git LFS pointers, web pages, error messages of servers, archives.
 */

import { type FileHandle, readFile } from 'node:fs/promises';
import { ChatRexError } from '../errors.ts';
import { readFrom, withFile } from '../file-range.ts';

/** An LFS pointer has about 130 bytes; the title of a web page comes soon. */
const headBytes = 4096;

/** A tokenizer.json of 250,000 entries has about 35 MB. */
const maxJsonBytes = 256 * 2 ** 20;

/**
 * @param bytes the first of a file
 * @throws ChatRexError 'invalid-file' when they are not what `path` should hold but something that is known
 */
export function refuseWrongContent(path: string, bytes: Uint8Array): void {
  const found = describeWrongContent(bytes.subarray(0, headBytes));
  if (found) throw new ChatRexError('invalid-file', `${path} is ${found}`);
}

/** The same for an open file, of which the beginning is read. */
export async function refuseWrongHead(file: FileHandle, path: string, sizeBytes: number): Promise<void> {
  refuseWrongContent(path, await readFrom(file, path, 0, Math.min(headBytes, sizeBytes)));
}

/**
 * The value of a JSON file of a model folder.
 * @throws ChatRexError 'not-found' when it cannot be read; 'invalid-file' when it is something else, or not JSON, with
 *   the place; 'limit-exceeded' past 256 MiB
 */
export async function readModelJson(path: string): Promise<unknown> {
  const bytes = await withFile(path, async (file, sizeBytes) => {
    if (sizeBytes <= maxJsonBytes) return readFrom(file, path, 0, sizeBytes);
    throw new ChatRexError('limit-exceeded', `${path} has ${sizeBytes} bytes, at most ${maxJsonBytes} allowed`);
  });
  refuseWrongContent(path, bytes);
  try {
    return JSON.parse(new TextDecoder('utf-8').decode(bytes));
  } catch (cause) {
    const reason = shown((cause as Error).message, 120);
    throw new ChatRexError('invalid-file', `${path}: expected JSON (${reason}); download the file again`, { cause });
  }
}

/** A file of a model folder as bytes, refused when it is something else. */
export async function readModelFile(path: string): Promise<Uint8Array> {
  const bytes = await readFile(path);
  refuseWrongContent(path, bytes);
  return bytes;
}

function describeWrongContent(bytes: Uint8Array): string | undefined {
  const text = new TextDecoder('latin1')
    .decode(bytes)
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart();
  if (text.startsWith('version https://git-lfs')) {
    const size = /^size (\d+)$/m.exec(text)?.[1];
    const missing = size === undefined ? '' : ` of ${size} bytes`;
    return `a Git LFS pointer, not the file${missing} that it points to: run 'git lfs pull' in its folder, or download it`;
  }
  if (/^(<!doctype html|<html|<head|<body)/i.test(text)) {
    const title = /<title[^>]*>([^<]*)/i.exec(text)?.[1].trim();
    return `a web page${title ? ` (${JSON.stringify(shown(title, 80))})` : ''}, not the file: download it again, signed in if need be`;
  }
  if (/^<\?xml/.test(text)) {
    const message = /<Message>([^<]*)/.exec(text)?.[1].trim();
    return `a server's message in XML${message ? ` (${JSON.stringify(shown(message, 80))})` : ''}, not the file: download it again`;
  }
  const error = /^\{\s*"(error|detail|message)"\s*:\s*("(?:[^"\\]|\\.)*"|\{|\[)/.exec(text);
  if (error) {
    const said = error[2].startsWith('"') ? ` (${shown(error[2], 80)})` : '';
    return `a server's error message${said}, not the file: download it again, signed in if need be`;
  }
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'compressed with gzip: unpack it first';
  return undefined;
}

/** Without control characters, and short. */
function shown(text: string, length: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a title must not bring to a terminal
  const clean = text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
  return clean.length <= length ? clean : `${clean.slice(0, length - 3)}...`;
}
