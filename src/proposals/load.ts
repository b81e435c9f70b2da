/** Opens a UPN on disk: its configuration and its stored weights. */

import { extname } from 'node:path';
import type { StoredWeight } from '../onnx/emit.ts';
import { openCheckpoint } from '../weights/checkpoint.ts';
import type { PlacedTensor } from '../weights/storage.ts';
import { openTorchCheckpoint } from '../weights/torch-checkpoint.ts';
import type { WeightFile } from '../weights/weight-file.ts';
import { type UpnConfig, type UpnPreset, upnPresets } from './config.ts';
import { parseUpnConfig } from './config-file.ts';
import { locateNetwork } from './locate.ts';
import { upnWeights } from './weights.ts';

export interface StoredUpn {
  readonly config: UpnConfig;
  readonly weights: ReadonlyMap<string, StoredWeight>;
}

/** Under which key the official checkpoint holds its tensors. */
const officialKey = 'model';

/**
 * @param source the name of a bundled model; a folder with `config.json` and safetensors, or a ChatRex folder that
 *   holds such a folder as `upn/`; or a single `.safetensors`, or official `.pth`, whose sizes `preset` gives
 * @throws ChatRexError naming what is missing, malformed or does not fit
 */
export async function loadStoredUpn(source: string, preset: UpnPreset = 'upn-large'): Promise<StoredUpn> {
  const { config, file } = await openUpn(source, preset);
  return { config, weights: await upnWeights(file, config) };
}

/** A UPN's configuration and its file as it is, whether the two fit or not; throws as `loadStoredUpn` does. */
export async function openUpn(
  source: string,
  preset: UpnPreset = 'upn-large',
): Promise<{ config: UpnConfig; file: WeightFile<PlacedTensor>; isFolder: boolean }> {
  const located = await locateNetwork(source);
  const { path } = located;
  if (located.isFolder)
    return { config: parseUpnConfig(located.config), file: await openCheckpoint(path), isFolder: true };
  const isTorch = ['.pth', '.pt', '.bin'].includes(extname(path));
  const file = isTorch ? await openTorchCheckpoint(path, { key: officialKey }) : await openCheckpoint(path);
  return { config: upnPresets[preset], file, isFolder: false };
}
