/**
 * The cache that Hugging Face's tools share: `models--owner--name/` holds each content once in `blobs/`, links to them
 * under their names in `snapshots/COMMIT/`, and in `refs/REVISION` the commit that a revision was when it was last
 * asked for.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, rm, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { ChatRexError } from '../../errors.ts';
import { writeBeside } from '../../files.ts';
import { indexFileName, singleFileName } from '../checkpoint.ts';
import { downloadsFolder, type Environment, hubSettings } from './environment.ts';
import { parseRepository, type Repository } from './repository.ts';

/** UPN-Large as its authors published it; `chatrex pull upn-large`. */
export const publishedFiles: Readonly<Record<string, string>> = {
  'upn-large': 'https://github.com/IDEA-Research/ChatRex/releases/download/upn-large/upn_large.pth',
};

export const repositoryFolder = (cacheFolder: string, { name }: Repository): string =>
  join(cacheFolder, `models--${name.replace('/', '--')}`);

export const blobFile = (folder: string, etag: string): string => join(folder, 'blobs', etag);

export const snapshotFolder = (folder: string, commit: string): string => join(folder, 'snapshots', commit);

/** Where the file of an address is kept. */
export const publishedPath = (address: string, env: Environment = process.env): string =>
  join(downloadsFolder(env), new URL(address).pathname.split('/').at(-1) || 'file');

/** Makes a blob appear under its name in a snapshot; a copy where the system allows no links. */
export async function linkBlob(folder: string, commit: string, path: string, etag: string): Promise<void> {
  const target = join(snapshotFolder(folder, commit), path);
  const blob = blobFile(folder, etag);
  await mkdir(dirname(target), { recursive: true });
  await rm(target, { force: true });
  await symlink(relative(dirname(target), blob), target).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPERM') throw error;
    await copyFile(blob, target);
  });
}

export async function writeRef(folder: string, revision: string, commit: string): Promise<void> {
  const path = join(folder, 'refs', revision);
  await mkdir(dirname(path), { recursive: true });
  await writeBeside(path, (file) => file.writeFile(commit));
}

/** The whole snapshot of a repository in the cache, if there is one. */
export function cachedSnapshot(repository: Repository, cacheFolder: string): string | undefined {
  const folder = repositoryFolder(cacheFolder, repository);
  const ref = join(folder, 'refs', repository.revision);
  const commit = existsSync(ref) ? readFileSync(ref, 'utf8').trim() : repository.revision;
  if (!/^[0-9a-f]{40}$/.test(commit)) return undefined;
  const snapshot = snapshotFolder(folder, commit);
  return isWhole(snapshot) ? snapshot : undefined;
}

/** A model that was pulled before, by the name that a user gives: a repository, or a published file. */
export function pulledModel(text: string, env: Environment = process.env): string | undefined {
  const address = publishedFiles[text];
  if (address !== undefined) return existsSync(publishedPath(address, env)) ? publishedPath(address, env) : undefined;
  const repository = parseRepository(text);
  return repository && cachedSnapshot(repository, hubSettings(env).cacheFolder);
}

/**
 * For a text that names no folder: says how to fetch what it may name, since gigabytes are never fetched unasked.
 * @throws ChatRexError 'not-found' when it is the name of a repository or of a published file
 */
export function requirePulled(text: string): void {
  if (publishedFiles[text] === undefined && !parseRepository(text)) return;
  const problem = `${text} is neither a folder nor in the cache of models`;
  throw new ChatRexError('not-found', `${problem}; fetch it once with 'chatrex pull ${text}', or give a folder`);
}

/** Links to blobs that are not there do not exist, so that a snapshot that is being fetched is not whole. */
function isWhole(folder: string): boolean {
  if (!existsSync(join(folder, 'config.json'))) return false;
  if (existsSync(join(folder, singleFileName))) return true;
  const index = join(folder, indexFileName);
  if (!existsSync(index)) return readdirSync(folder).some((name) => /\.(bin|pth|pt)$/.test(name));
  const { weight_map: shards = {} } = JSON.parse(readFileSync(index, 'utf8')) as {
    weight_map?: Record<string, string>;
  };
  return [...new Set(Object.values(shards))].every((name) => existsSync(join(folder, name)));
}
