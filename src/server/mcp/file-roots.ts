/** Image files that an agent names: only within folders that a person gave, whatever links lead elsewhere. */

import { constants } from 'node:fs';
import { open, realpath, stat } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ChatRexError } from '../../errors.ts';
import { ApiError } from '../api-error.ts';

export interface FileRoots {
  /**
   * Reads a file named by a path or a `file:` URL; paths are taken from the first root.
   * @throws ApiError 400 for what lies outside; it does not say whether it is there
   */
  read(name: string, maxBytes: number): Promise<Uint8Array>;
}

/** @throws ChatRexError 'not-found' for a root that is no folder */
export async function openFileRoots(folders: readonly string[]): Promise<FileRoots> {
  const roots = await Promise.all(folders.map(realFolder));
  return {
    async read(name, maxBytes) {
      if (roots.length === 0)
        throw refused('files are not read here; chatrex mcp --root FOLDER allows those of a folder');
      const path = resolve(roots[0], pathOf(name));
      const real = await realpath(path).catch(() => undefined);
      if (real === undefined || !roots.some((root) => isWithin(root, real))) {
        throw refused(`'${name}' is not a file within the folders that may be read: ${folders.join(', ')}`);
      }
      return readRegularFile(real, name, maxBytes);
    },
  };
}

const refused = (message: string) => new ApiError(400, `image: ${message}`, { param: 'image' });

async function realFolder(folder: string): Promise<string> {
  const real = await realpath(folder).catch(() => undefined);
  if (real !== undefined && (await stat(real)).isDirectory()) return real;
  throw new ChatRexError('not-found', `--root ${folder} is not a folder; give one that holds images`);
}

function pathOf(name: string): string {
  if (!/^file:/i.test(name)) return name;
  try {
    return fileURLToPath(name);
  } catch (cause) {
    throw new ApiError(400, `image: '${name}' is not the address of a file of this machine`, { param: 'image', cause });
  }
}

function isWithin(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

async function readRegularFile(real: string, name: string, maxBytes: number): Promise<Uint8Array> {
  // Pipes would keep a reader waiting, and a link that took the file's place meanwhile is not followed.
  const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((cause) => {
    throw new ApiError(400, `image: '${name}' cannot be read (${cause.code})`, { param: 'image', cause });
  });
  try {
    const opened = await file.stat();
    const now = await stat(await realpath(real));
    if (!opened.isFile() || opened.ino !== now.ino || opened.dev !== now.dev) throw refused(`'${name}' is not a file`);
    if (opened.size > maxBytes)
      throw refused(`'${name}' has more than the ${maxBytes} bytes that are taken; shrink it`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
