/**
 * Lists of images: a folder, files, a manifest of paths or URLs, a file of conversations. A list is read as a stream,
 * in an order that depends on its contents alone.
 */

import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path';
import { createInterface } from 'node:readline';
import { jsonElements } from '../../datasets/json/elements.ts';
import { ChatRexError } from '../../errors.ts';
import type { Entry, GivenTurn } from '../annotation.ts';
import { readLines } from '../journal.ts';

const imageEndings = new Set(['.jpg', '.jpeg', '.png', '.webp', '.avif', '.gif', '.tif', '.tiff']);

/** A line of a list before it has its place. */
export type ListedImage = Omit<Entry, 'index'>;

export interface ImageList {
  /** Absolute; files of the entries are relative to it. */
  readonly root: string;
  readonly images: AsyncIterable<ListedImage>;
}

/**
 * Opens what a user names: a folder (all images in it), an image, a `.txt` manifest (a path or URL a line), a `.jsonl`
 * manifest (`{"file" | "url", "caption"?}`), or a `.json` of conversations as LLaVA and ALLaVA store them.
 * @param root where the paths of a manifest begin; the manifest's own folder by default
 * @throws ChatRexError 'not-found' or 'invalid-argument' naming the source
 */
export async function openList(source: string, root?: string): Promise<ImageList> {
  const path = resolve(source);
  const info = await stat(path).catch(() => undefined);
  if (!info)
    throw new ChatRexError('not-found', `"${source}" does not exist; expected a folder, an image or a manifest`);
  if (info.isDirectory()) return { root: path, images: imagesBelow(path, path) };
  const base = root === undefined ? dirname(path) : resolve(root);
  const ending = extname(path).toLowerCase();
  if (imageEndings.has(ending))
    return { root: dirname(path), images: one({ name: basename(path), file: basename(path) }) };
  if (ending === '.txt') return { root: base, images: textManifest(path) };
  if (ending === '.jsonl') return { root: base, images: jsonManifest(path) };
  if (ending === '.json') return { root: base, images: conversations(path) };
  if (ending === '.parquet') {
    throw new ChatRexError('invalid-argument', `"${source}": COYO files are given all together, as --coyo FILE...`);
  }
  throw new ChatRexError(
    'invalid-argument',
    `"${source}": expected a folder, an image, or a .txt, .jsonl or .json list of images`,
  );
}

async function* one(image: ListedImage): AsyncGenerator<ListedImage> {
  yield image;
}

/** Depth first in the order of the names, one folder in memory at a time. */
async function* imagesBelow(folder: string, root: string): AsyncGenerator<ListedImage> {
  const entries = await readdir(folder, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !entry.name.startsWith('.')) yield* imagesBelow(path, root);
    else if (entry.isFile() && imageEndings.has(extname(entry.name).toLowerCase())) {
      const file = relative(root, path).split(sep).join('/');
      yield { name: file, file };
    }
  }
}

async function* textManifest(path: string): AsyncGenerator<ListedImage> {
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    const text = line.replace(/^\uFEFF/, '').trim();
    if (text === '' || text.startsWith('#')) continue;
    yield isUrl(text) ? { name: text, url: text } : { name: text, file: text };
  }
}

async function* jsonManifest(path: string): AsyncGenerator<ListedImage> {
  for await (const { value, end } of readLines<Record<string, unknown>>(path)) {
    const { file, url, caption } = value;
    const name = file ?? url;
    if (typeof name !== 'string' || (caption !== undefined && typeof caption !== 'string')) {
      throw new ChatRexError(
        'invalid-file',
        `${path}: the line that ends at byte ${end}: expected {"file" or "url", "caption"?}, came ${JSON.stringify(value).slice(0, 60)}`,
      );
    }
    yield { name, ...(typeof file === 'string' ? { file } : { url: name }), ...(caption !== undefined && { caption }) };
  }
}

async function* conversations(path: string): AsyncGenerator<ListedImage> {
  for await (const batch of jsonElements(path)) {
    for (const { index, value } of batch) yield* conversationImage(value as LlavaRow, `${path}, item ${index}`);
  }
}

interface LlavaRow {
  readonly id?: unknown;
  readonly image?: unknown;
  readonly conversations?: readonly { readonly from?: unknown; readonly value?: unknown }[];
}

/** Rows without an image are text alone: there is nothing to ground. */
function* conversationImage(row: LlavaRow, where: string): Generator<ListedImage> {
  if (typeof row?.image !== 'string') return;
  const turns: GivenTurn[] = [];
  const said = row.conversations ?? [];
  for (let at = 0; at + 1 < said.length; at += 2) {
    const [question, answer] = [said[at], said[at + 1]];
    const isPair = question.from === 'human' && answer.from === 'gpt';
    if (!isPair || typeof question.value !== 'string' || typeof answer.value !== 'string') {
      throw new ChatRexError('invalid-file', `${where}: expected turns of human and gpt with a value each`);
    }
    turns.push({ question: question.value.replace(/\s*<image>\s*/g, ''), answer: answer.value });
  }
  if (turns.length > 0) yield { name: String(row.id ?? row.image), file: row.image, turns };
}

function isUrl(text: string): boolean {
  return /^https?:\/\//i.test(text);
}
