/** Writes a UPN with the large products of its backbone, encoder and decoder in int8; it loads by the same path. */

import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ChatRexError } from '../errors.ts';
import { writeNamed } from '../files.ts';
import { createScope } from '../nn/scope.ts';
import { quantizationPlan } from '../weights/quantize.ts';
import { type TensorToWrite, writeSafetensors } from '../weights/safetensors-writer.ts';
import type { TensorInfo, WeightFile } from '../weights/weight-file.ts';
import type { UpnConfig } from './config.ts';
import { formatUpnConfig } from './config-file.ts';
import { type Int8Layers, int8LayersOf, upnScope } from './int8-layers.ts';
import { openUpn } from './load.ts';
import { upnParameters, upnWeights } from './weights.ts';

/**
 * Layers that stay in float: heads of boxes and the layers of the decoder. They move boxes, so that their rounding is
 * rounding of coordinates, and they see some hundred queries, which takes no time. What the decoder makes of all tokens
 * (`value_proj`) is in int8. `tools/measure-upn-int8.ts` measures what each part costs.
 */
const keptInFloat = [
  /bbox_embed/,
  /ref_point_head/,
  /decoder\..*(sampling_offsets|attention_weights|linear[12]|out(put)?_proj)/,
];

/** All linear layers of a network that could be stored in int8. */
export const linearLayersOf = (config: UpnConfig): Int8Layers =>
  int8LayersOf(
    upnParameters(
      config,
      createScope(undefined, () => 'int8'),
    ).map(({ name }) => name),
  );

/** The layers that `quantizeUpn` writes in int8. */
export const defaultInt8Layers = (config: UpnConfig): Int8Layers =>
  new Set([...linearLayersOf(config)].filter((layer) => !keptInFloat.some((part) => part.test(layer))));

/** What to write so that a file holds a network with these layers in int8. */
export const upnQuantizationPlan = (
  source: WeightFile<TensorInfo>,
  config: UpnConfig,
  int8Layers: Int8Layers = defaultInt8Layers(config),
): TensorToWrite[] => quantizationPlan(source, upnParameters(config, upnScope(int8Layers)));

/** How far it is, in tensors, and which is being written. */
export type OnQuantizeProgress = (progress: { done: number; total: number; name: string }) => void;

/**
 * Quantises the UPN of `source`, a file or a folder, into the new `target`: a safetensors file for a file, whose sizes
 * are UPN-Large's, a folder with `config.json` for a folder. It appears under its name only when it is complete.
 * @throws ChatRexError 'invalid-argument' when the target exists, or the source is in int8 already; as `loadStoredUpn`
 *   does
 * @example await quantizeUpn('upn-large.safetensors', 'upn-large-int8.safetensors');
 */
export async function quantizeUpn(source: string, target: string, onProgress?: OnQuantizeProgress): Promise<void> {
  const { config, file, isFolder } = await openUpn(source);
  await upnWeights(file, config);
  if (int8LayersOf(file.tensors.keys()).size > 0)
    throw new ChatRexError('invalid-argument', `${source} is quantised already; start from the original`);
  if (await stat(target).catch(() => undefined))
    throw new ChatRexError('invalid-argument', `${target} exists; give the name of something to be made`);
  const plan = withProgress(upnQuantizationPlan(file, config), onProgress);
  const metadata = { quantization: 'int8' };
  if (!isFolder) return writeSafetensors(target, plan, metadata);
  const temporary = join(dirname(resolve(target)), `.${basename(target)}.${process.pid}.tmp`);
  await mkdir(temporary, { recursive: true });
  try {
    await writeSafetensors(join(temporary, 'model.safetensors'), plan, metadata);
    await writeNamed(join(temporary, 'config.json'), formatUpnConfig(config));
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

function withProgress(plan: readonly TensorToWrite[], onProgress?: OnQuantizeProgress): TensorToWrite[] {
  let done = 0;
  return plan.map((entry) => ({
    ...entry,
    data: () => {
      onProgress?.({ done: done++, total: plan.length, name: entry.name });
      return typeof entry.data === 'function' ? entry.data() : entry.data;
    },
  }));
}
