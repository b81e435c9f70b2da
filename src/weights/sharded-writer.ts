/** Writes a model as safetensors shards with an index, the layout that the Hugging Face hub uses for large models. */

import { join } from 'node:path';
import { writeBeside } from '../files.ts';
import { indexFileName } from './checkpoint.ts';
import { tensorBytes } from './dtype.ts';
import { type TensorToWrite, writeSafetensors } from './safetensors-writer.ts';

/**
 * Fills shards in the order of `entries`, each of at most `maxShardBytes` unless a single tensor is larger. The index
 * is written last, so that an interrupted run leaves no model that looks complete.
 *
 * @param folder must exist
 * @throws ChatRexError as `writeSafetensors` does
 */
export async function writeShardedSafetensors(
  folder: string,
  entries: Iterable<TensorToWrite>,
  maxShardBytes: number,
): Promise<void> {
  const shards: TensorToWrite[][] = [];
  let room = 0;
  let totalBytes = 0;
  for (const entry of entries) {
    const bytes = tensorBytes(entry);
    if (shards.length === 0 || (bytes > room && shards.at(-1)!.length > 0)) {
      shards.push([]);
      room = maxShardBytes;
    }
    shards.at(-1)!.push(entry);
    room -= bytes;
    totalBytes += bytes;
  }
  const shardByName: [string, string][] = [];
  for (const [i, shard] of shards.entries()) {
    const fileName = `model-${padded(i + 1)}-of-${padded(shards.length)}.safetensors`;
    await writeSafetensors(join(folder, fileName), shard);
    for (const { name } of shard) shardByName.push([name, fileName]);
  }
  const index = { metadata: { total_size: totalBytes }, weight_map: Object.fromEntries(shardByName) };
  await writeBeside(join(folder, indexFileName), async (file) => {
    await file.writeFile(`${JSON.stringify(index, undefined, 2)}\n`);
  });
}

function padded(count: number): string {
  return String(count).padStart(5, '0');
}
