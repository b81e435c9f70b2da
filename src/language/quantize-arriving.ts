/**
 * Quantises a model while its shards arrive: one of them is on the disk at a time, so that 16 GB of weights need no
 * more room than their largest shard and the result.
 */

import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { writeNamed } from '../files.ts';
import { indexFileName } from '../weights/checkpoint.ts';
import { tensorBytes } from '../weights/dtype.ts';
import { WeightsMismatchError } from '../weights/match.ts';
import { quantizationPlan, quantizedName } from '../weights/quantize.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import { writeSafetensors } from '../weights/safetensors-writer.ts';
import type { Quantization } from './load.ts';
import { copyOthers, readOriginal, renamed, requireAllUsed, requireNew, type TargetLayout } from './quantize.ts';

export interface ArrivingModel {
  /** Everything but the weights. */
  readonly folder: string;
  /** Names the content: what an interrupted run of another content has made is not continued. */
  readonly key: string;
  /** The shard of each tensor, by their names in the files; undefined when there is one shard. */
  readonly shardOf?: ReadonlyMap<string, string>;
  readonly shards: readonly string[];
  /** @returns the path of a shard */
  take(shard: string): Promise<string>;
  /** A shard is no longer needed. */
  give(shard: string): Promise<void>;
}

/**
 * As `quantizeFolder`, shard by shard. What an interrupted run has written is not written again.
 * @param onShard hears the shard under way and how many are done
 * @throws ChatRexError as `quantizeFolder` does
 */
export async function quantizeArriving(
  model: ArrivingModel,
  target: string,
  quantization: Quantization,
  layoutOf: (config: unknown) => TargetLayout,
  onShard?: (shard: string, done: number) => void,
): Promise<void> {
  await requireNew(target);
  const config = await readOriginal(model.folder);
  const layout = layoutOf(config);
  const homeOf = shardOfParameter(model, layout);
  const partial = join(dirname(resolve(target)), `.${basename(target)}.${model.key}.partial`);
  await mkdir(partial, { recursive: true });
  const shardByName: [string, string][] = [];
  let totalBytes = 0;
  for (const [i, shard] of model.shards.entries()) {
    const written = `model-${padded(i + 1)}-of-${padded(model.shards.length)}.safetensors`;
    const path = join(partial, written);
    const wanted = layout.parameters.filter(({ name }) => homeOf(name) === shard);
    onShard?.(shard, i);
    if (wanted.length > 0 && !existsSync(path)) {
      const source = renamed(await openSafetensors(await model.take(shard)), layout.parameterName);
      requireAllUsed(source, layout);
      const sourceOf = (name: string) => (source.tensors.has(name) ? name : tiedName(name));
      await writeSafetensors(path, quantizationPlan(source, wanted, sourceOf));
      await model.give(shard);
    }
    if (wanted.length === 0) continue;
    for (const tensor of (await openSafetensors(path)).tensors.values()) {
      shardByName.push([tensor.name, written]);
      totalBytes += tensorBytes(tensor);
    }
  }
  await copyOthers(model.folder, partial);
  const index = { metadata: { total_size: totalBytes }, weight_map: Object.fromEntries(shardByName) };
  await writeNamed(join(partial, indexFileName), `${JSON.stringify(index, undefined, 2)}\n`);
  await writeNamed(join(partial, 'config.json'), `${JSON.stringify({ ...config, quantization }, undefined, 2)}\n`);
  await rename(partial, target);
}

/**
 * Tied output embeddings are quantised as a layer of their own; the table that words are looked up in stays as it is.
 */
const tiedName = (name: string): string => (name === 'lm_head.weight' ? 'model.embed_tokens.weight' : name);

/**
 * In which shard what a written parameter is made of lies. @throws WeightsMismatchError before anything is fetched when
 * the index lacks a tensor, or has one that is no parameter
 */
function shardOfParameter({ shardOf, shards }: ArrivingModel, layout: TargetLayout): (name: string) => string {
  if (shardOf === undefined) return () => shards[0];
  const homes = new Map([...shardOf].map(([stored, shard]) => [layout.parameterName(stored), shard]));
  const sourceName = (name: string) => name.replace(quantizedName, '$1');
  const homeOf = (name: string) => homes.get(sourceName(name)) ?? homes.get(tiedName(sourceName(name)));
  const missing = layout.parameters.map(({ name }) => name).filter((name) => homeOf(name) === undefined);
  if (missing.length > 0) throw new WeightsMismatchError([...new Set(missing.map(sourceName))], [], []);
  return (name) => homeOf(name) as string;
}

const padded = (count: number): string => String(count).padStart(5, '0');
