/**
 * Opens a model's weights in any layout that the Hugging Face hub uses for safetensors: one file, or shards listed by
 * an index. As there, the index says which shard a tensor is taken from; a tensor that it does not list is not part of
 * the model.
 */

import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { ChatRexError } from '../errors.ts';
import { readFrom, withFile } from '../file-range.ts';
import { openSafetensors } from './safetensors.ts';
import { createWeightFile, locatedBytes, type StoredTensor, type WeightFile } from './weight-file.ts';
import { refuseWrongContent, refuseWrongHead } from './wrong-content.ts';

/** Name of an unsharded model's file in its folder. */
export const singleFileName = 'model.safetensors';

/** Name of a sharded model's index in its folder. */
export const indexFileName = `${singleFileName}.index.json`;

/** What PyTorch's checkpoints are called. */
const torchFile = /\.(pth|pt|bin)$/;

/** What trainers leave beside the weights. */
const trainerFile = /^(training_args|optimizer|scheduler|rng_state|scaler)/;

/** A 100,000-tensor index takes about 10 MB. */
const maxIndexBytes = 100_000_000;

const indexSchema = z.object({
  metadata: z.record(z.string(), z.unknown()).optional(),
  weight_map: z.record(z.string(), z.string()),
});

/**
 * Opens a `.safetensors` file, a `.safetensors.index.json`, or a folder that holds `model.safetensors` or its index
 * (the single file wins, as it does for the reference loader).
 *
 * @throws ChatRexError 'not-found' for a missing file, shard or folder content; 'invalid-file' for a malformed file,
 *   an index that disagrees with its shards, or one that points outside its folder; 'unsupported' for PyTorch files
 */
export async function openCheckpoint(path: string): Promise<WeightFile> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isDirectory()) return openFolder(path);
  if (path.endsWith('.json')) return openIndex(path);
  if (torchFile.test(path)) {
    await withFile(path, (file, sizeBytes) => refuseWrongHead(file, path, sizeBytes));
    const target = path.replace(/\.\w+$/, '.safetensors');
    const fix = `convert it once with 'chatrex convert ${path} ${target}' (in a program: convertTorchCheckpoint)`;
    const message = `${path} is a PyTorch checkpoint, not safetensors: ${fix}`;
    throw new ChatRexError('unsupported', message);
  }
  return openSafetensors(path);
}

async function openFolder(folder: string): Promise<WeightFile> {
  for (const name of [singleFileName, indexFileName]) {
    const path = join(folder, name);
    if (await stat(path).catch(() => undefined)) return openCheckpoint(path);
  }
  const torch = (await readdir(folder)).filter((name) => torchFile.test(name) && !trainerFile.test(name)).sort();
  const holdsNone = `${folder} holds neither ${singleFileName} nor ${indexFileName}`;
  if (torch.length === 1) {
    const command = `chatrex convert ${join(folder, torch[0])} ${join(folder, singleFileName)}`;
    throw new ChatRexError('not-found', `${holdsNone}, but ${torch[0]}: convert it once with '${command}'`);
  }
  const fix =
    torch.length > 1
      ? `, but ${torch.length} PyTorch files (${torch[0]}, ...): save the model again with safe_serialization=True`
      : ': download the weights, or give another folder';
  throw new ChatRexError('not-found', holdsNone + fix);
}

async function openIndex(path: string): Promise<WeightFile> {
  const { weight_map: shardByName, metadata } = await readIndex(path);
  const shards = new Map<string, WeightFile>();
  const tensors = new Map<string, StoredTensor>();
  for (const [name, shardName] of Object.entries(shardByName)) {
    if (!shards.has(shardName)) shards.set(shardName, await openShard(path, shardName));
    const tensor = shards.get(shardName)!.tensors.get(name);
    if (tensor === undefined) {
      const problem = `places ${JSON.stringify(name)} in ${shardName}, which has no such tensor`;
      throw new ChatRexError('invalid-file', `${path} ${problem}: index and shards are from different models`);
    }
    tensors.set(name, tensor);
  }
  const texts = Object.entries(metadata ?? {}).map(([key, value]) => [key, String(value)]);
  return createWeightFile(path, Object.fromEntries(texts), tensors, locatedBytes);
}

/** A shard is a plain file name beside the index: anything else could reach files that are not the model's. */
function openShard(indexPath: string, shardName: string): Promise<WeightFile> {
  if (!/^[^/\\:\0]+\.safetensors$/.test(shardName)) {
    const problem = `names the shard ${JSON.stringify(shardName.slice(0, 100))}`;
    const expected = 'expected a .safetensors file name without a folder';
    throw new ChatRexError('invalid-file', `${indexPath} ${problem}; ${expected}`);
  }
  return openSafetensors(join(dirname(indexPath), basename(shardName)));
}

async function readIndex(path: string): Promise<z.infer<typeof indexSchema>> {
  const bytes = await withFile(path, (file, sizeBytes) => {
    if (sizeBytes <= maxIndexBytes) return readFrom(file, path, 0, sizeBytes);
    throw new ChatRexError('limit-exceeded', `${path} has ${sizeBytes} bytes, at most ${maxIndexBytes} allowed`);
  });
  refuseWrongContent(path, bytes);
  try {
    return indexSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch (cause) {
    const message = `${path} is not an index of shards: expected JSON with a weight_map from tensor to file name`;
    throw new ChatRexError('invalid-file', message, { cause });
  }
}
