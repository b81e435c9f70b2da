/** Fetches a released model and makes the smaller folder of it as it arrives. */

import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ChatRexError } from '../errors.ts';
import type { Quantization } from '../language/load.ts';
import { quantizeArriving } from '../language/quantize-arriving.ts';
import { indexFileName } from '../weights/checkpoint.ts';
import { blobFile, snapshotFolder } from '../weights/hub/cache.ts';
import { openPull, type PullOptions } from '../weights/hub/pull.ts';
import type { Repository } from '../weights/hub/repository.ts';
import { readModelJson } from '../weights/wrong-content.ts';
import { chatRexLayout } from './quantize.ts';

/** Of 16-bit weights about a quarter is left, and scales. */
const shareLeft = 0.35;

const isWeights = (path: string): boolean => /\.safetensors$/.test(path) && !path.includes('/');

/**
 * Makes the folder `target` of a repository's model with the weights of linear layers as integers. One shard is on the
 * disk at a time, in the cache, and leaves it once it was read; shards that were in the cache before stay.
 *
 * @returns `target`
 * @throws ChatRexError as `pullModel` and `quantizeFolder` do; what is done is kept, and the next call continues
 */
export async function pullQuantized(
  repository: Repository,
  target: string,
  quantization: Quantization,
  options: PullOptions & { readonly onShard?: (shard: string, done: number, count: number) => void } = {},
): Promise<string> {
  const { listing, folder, agree, fetch } = await openPull(repository, options);
  const files = new Map(listing.files.map((file) => [file.path, file]));
  const shards = listing.files.filter(({ path }) => isWeights(path));
  if (shards.length === 0) {
    throw new ChatRexError('unsupported', `${repository.name} holds no safetensors; pull it and use chatrex convert`);
  }
  const kept = new Set(shards.filter(({ etag }) => existsSync(blobFile(folder, etag))).map(({ path }) => path));
  const bytes = shards.reduce((sum, { path, size }) => sum + (kept.has(path) ? 0 : size), 0);
  const largest = Math.max(...shards.map(({ size }) => size));
  await agree(bytes, largest + shareLeft * shards.reduce((sum, { size }) => sum + size, 0));
  for (const file of listing.files) if (!isWeights(file.path)) await fetch(file);
  const snapshot = snapshotFolder(folder, listing.commit);
  const index = files.has(indexFileName)
    ? ((await readModelJson(join(snapshot, indexFileName))) as { weight_map: Record<string, string> })
    : undefined;
  await quantizeArriving(
    {
      folder: snapshot,
      key: [listing.commit.slice(0, 12), quantization.language, quantization.vision].filter(Boolean).join('-'),
      shardOf: index && new Map(Object.entries(index.weight_map)),
      shards: shards.map(({ path }) => path),
      take: (shard) => fetch(files.get(shard)!),
      give: async (shard) => {
        if (kept.has(shard)) return;
        await rm(join(snapshot, shard), { force: true });
        await rm(blobFile(folder, files.get(shard)!.etag), { force: true });
      },
    },
    target,
    quantization,
    (json) => chatRexLayout(json, quantization),
    (shard, done) => options.onShard?.(shard, done, shards.length),
  );
  return target;
}
