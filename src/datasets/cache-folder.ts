/** Where indexes of data sets are kept, and the name that the index of one has. */

import { createHash } from 'node:crypto';
import { open, readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { ChatRexError } from '../errors.ts';
import type { SourceFiles } from './reader.ts';
import { walkFolder } from './walk-folder.ts';

/** Raised when indexes have another layout than before. */
const indexVersion = 2;

const sampleBytes = 1 << 16;

/**
 * The folder for caches: the one given, CHATREX_CACHE, XDG_CACHE_HOME/chatrex, or ~/.cache/chatrex.
 */
export function cacheFolder(given?: string): string {
  const { CHATREX_CACHE, XDG_CACHE_HOME } = process.env;
  if (given) return resolve(given);
  if (CHATREX_CACHE) return resolve(CHATREX_CACHE);
  return join(XDG_CACHE_HOME ? resolve(XDG_CACHE_HOME) : join(homedir(), '.cache'), 'chatrex');
}

export interface IndexKeyInput {
  readonly format: string;
  readonly readerVersion: number;
  readonly options: Readonly<Record<string, unknown>>;
  readonly sources: SourceFiles;
  resolve(path: string): string;
}

/**
 * The name of an index: it changes with the reader, its options and its files, and does not depend on where the files
 * lie. A file counts by size, time of change, and the hash of its head and tail; a folder by the names in it and
 * below it; a tree by name, size and time of change of every file.
 * @throws ChatRexError 'not-found' for a source that does not exist
 */
export async function indexKey({ format, readerVersion, options, sources, resolve }: IndexKeyInput): Promise<string> {
  const { files, folders = [], trees = [] } = sources;
  const paths = [...files, ...folders, ...trees];
  const withoutPaths = Object.entries(options).map(([name, value]) => {
    const withoutPath = (item: unknown) => {
      const at = paths.indexOf(item as string);
      return at < 0 ? item : { source: at };
    };
    return [name, Array.isArray(value) ? value.map(withoutPath) : withoutPath(value)];
  });
  const hash = createHash('sha256');
  hash.update(JSON.stringify([indexVersion, format, readerVersion, withoutPaths.sort()]));
  for (const file of files) hash.update(JSON.stringify(await fileSignature(resolve(file))));
  for (const folder of folders) hash.update(await folderSignature(resolve(folder)));
  for (const tree of trees) {
    for await (const { place, size, mtimeMs } of walkFolder(resolve(tree)))
      hash.update(`${place} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex').slice(0, 32);
}

async function fileSignature(path: string): Promise<readonly unknown[]> {
  const file = await open(path, 'r').catch((cause: NodeJS.ErrnoException) => {
    const isMissing = cause.code === 'ENOENT' || cause.code === 'ENOTDIR';
    const problem = isMissing ? 'does not exist: check the path' : `cannot be opened (${cause.code}): check its rights`;
    throw new ChatRexError(isMissing ? 'not-found' : 'invalid-file', `${path} ${problem}`, { cause });
  });
  try {
    const stats = await file.stat();
    const { size, mtimeMs } = stats;
    if (!stats.isFile()) {
      throw new ChatRexError('invalid-file', `${path} is not a file: expected an annotation file`);
    }
    const hash = createHash('sha256');
    for (const start of new Set([0, Math.max(0, size - sampleBytes)])) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(sampleBytes), 0, sampleBytes, start);
      hash.update(buffer.subarray(0, bytesRead));
    }
    return [size, mtimeMs, hash.digest('hex')];
  } finally {
    await file.close();
  }
}

/** Names in the folder, and how many each folder in it holds; enough to notice that images came or went. */
async function folderSignature(path: string): Promise<string> {
  const entries = await readdir(path, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    const problem = cause.code === 'ENOTDIR' ? 'is not a folder' : `cannot be read as a folder (${cause.code})`;
    throw new ChatRexError('not-found', `${path} ${problem}: check the path`, { cause });
  });
  const lines = await Promise.all(
    entries.map(async (entry) => {
      if (!entry.isDirectory()) return entry.name;
      const inside = await readdir(join(path, entry.name)).catch(() => []);
      return `${entry.name}/${inside.length}`;
    }),
  );
  return createHash('sha256').update(lines.sort().join('\n')).digest('hex');
}
