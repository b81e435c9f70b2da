/**
 * Brings a model of the Hugging Face Hub into the cache that its own tools use; what is there already is not fetched.
 */

import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ChatRexError } from '../../errors.ts';
import {
  blobFile,
  cachedSnapshot,
  linkBlob,
  publishedPath,
  repositoryFolder,
  snapshotFolder,
  writeRef,
} from './cache.ts';
import { type Environment, type HubSettings, hubSettings } from './environment.ts';
import { type HubFile, type Listing, listModel } from './listing.ts';
import { type Repository, repositoryText } from './repository.ts';
import { authorizedFetch, type Patience, patientFetch, usualPatience } from './requests.ts';
import { transferFile } from './transfer.ts';

export interface PullProgress {
  /** Of what has to be fetched. */
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** The file under way. */
  readonly file: string;
}

/** What is about to happen, for whoever decides on it. */
export interface PullPlan {
  readonly name: string;
  readonly bytes: number;
  readonly folder: string;
}

export interface PullOptions {
  readonly env?: Environment;
  readonly onProgress?: (progress: PullProgress) => void;
  /** Asked before anything large is fetched; false ends the pull. By default it is fetched. */
  readonly confirm?: (plan: PullPlan) => Promise<boolean>;
  readonly signal?: AbortSignal;
  readonly patience?: Patience;
}

/** Room that a disk keeps besides what is fetched. */
const spareBytes = 64 * 2 ** 20;

/**
 * Pulls a whole model.
 * @returns its folder
 * @throws ChatRexError 'not-found', 'runtime' without network, 'limit-exceeded' without room, 'invalid-file' when a
 *   hash is wrong, 'aborted'; what came is kept, and the next call continues
 * @example const folder = await pullModel({ name: 'IDEA-Research/ChatRex-7B', revision: 'main' });
 */
export async function pullModel(repository: Repository, options: PullOptions = {}): Promise<string> {
  const settings = hubSettings(options.env);
  if (settings.isOffline) return offlineSnapshot(repository, settings);
  const pull = await openPull(repository, options);
  const missing = pull.listing.files.filter(({ etag }) => !existsSync(blobFile(pull.folder, etag)));
  await pull.agree(missing.reduce((sum, { size }) => sum + size, 0));
  for (const file of pull.listing.files) await pull.fetch(file);
  return pull.finish();
}

/** A pull under way, for callers that take files one by one. */
export interface Pull {
  readonly listing: Listing;
  /** The repository's folder in the cache. */
  readonly folder: string;
  /** Asks for room on the disk and for consent. @throws ChatRexError 'limit-exceeded', 'aborted' */
  agree(bytes: number, roomBytes?: number): Promise<void>;
  /** Brings a file into the snapshot, unless it is there. @returns the path of its content */
  fetch(file: HubFile): Promise<string>;
  /** Notes the revision. @returns the snapshot */
  finish(): Promise<string>;
}

export async function openPull(
  repository: Repository,
  { env, onProgress, confirm, signal, patience = usualPatience }: PullOptions,
): Promise<Pull> {
  const settings = hubSettings(env);
  const fetch = patientFetch(settings, patience, signal);
  const listing = await listModel(repository, { ...settings, fetch });
  const { commit } = listing;
  const folder = repositoryFolder(settings.cacheFolder, repository);
  const once = authorizedFetch(settings);
  let [doneBytes, totalBytes] = [0, 0];
  return {
    listing,
    folder,
    agree: async (bytes, roomBytes = bytes) => {
      totalBytes = bytes;
      await requireRoom(folder, roomBytes);
      const plan = { name: repositoryText(repository), bytes, folder };
      if (bytes > 0 && confirm && !(await confirm(plan))) {
        throw new ChatRexError('aborted', `${plan.name} was not fetched`);
      }
    },
    fetch: async ({ path, size, etag }) => {
      const blob = blobFile(folder, etag);
      if (!existsSync(blob)) {
        const url = `${settings.endpoint}/${repository.name}/resolve/${commit}/${path.split('/').map(encodeURIComponent).join('/')}`;
        const onBytes = (bytes: number) => onProgress?.({ doneBytes: doneBytes + bytes, totalBytes, file: path });
        await transferFile({ url, path: blob, size, etag, fetch: once, patience, signal, onBytes });
        doneBytes += size;
      }
      await linkBlob(folder, commit, path, etag);
      return blob;
    },
    finish: async () => {
      await writeRef(folder, repository.revision, commit);
      return snapshotFolder(folder, commit);
    },
  };
}

/** Brings a single file from a published address into a cache of our own. @returns its path */
export async function pullFile(address: string, options: PullOptions = {}): Promise<string> {
  const { env, onProgress, signal, patience = usualPatience } = options;
  const settings = hubSettings(env);
  const path = publishedPath(address, env);
  if (existsSync(path)) return path;
  if (settings.isOffline) throw offline(address);
  const fetch = patientFetch(settings, patience, signal);
  const head = await fetch(address, { method: 'HEAD' });
  const size = Number(head.headers.get('content-length')) || undefined;
  await requireRoom(dirname(path), size ?? 0);
  if (options.confirm && !(await options.confirm({ name: address, bytes: size ?? 0, folder: dirname(path) }))) {
    throw new ChatRexError('aborted', `${address} was not fetched`);
  }
  const onBytes = (bytes: number) => onProgress?.({ doneBytes: bytes, totalBytes: size ?? bytes, file: path });
  await transferFile({ url: address, path, size, fetch: authorizedFetch(settings), patience, signal, onBytes });
  return path;
}

function offlineSnapshot(repository: Repository, { cacheFolder }: HubSettings): string {
  const snapshot = cachedSnapshot(repository, cacheFolder);
  if (snapshot) return snapshot;
  throw offline(repositoryText(repository));
}

const offline = (name: string): ChatRexError =>
  new ChatRexError('not-found', `${name} is not in the cache, and HF_HUB_OFFLINE forbids to fetch it; unset that`);

/** @throws ChatRexError 'limit-exceeded' when a disk has less room than is needed */
async function requireRoom(folder: string, bytes: number): Promise<void> {
  let existing = folder;
  while (!existsSync(existing)) existing = dirname(existing);
  const { bavail, bsize } = await statfs(existing);
  if (bavail * bsize >= bytes + spareBytes) return;
  const numbers = `needs ${gigabytes(bytes)} in ${folder}, ${gigabytes(bavail * bsize)} are free`;
  throw new ChatRexError('limit-exceeded', `the download ${numbers}; free some, or set HF_HUB_CACHE to another disk`);
}

/** @example gigabytes(15.7e9) // '15.7 GB' */
export const gigabytes = (bytes: number): string =>
  bytes >= 1e8 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
