/** Finds a proposal network on disk: its configuration and its stored weights. */

import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ChatRexError } from '../errors.ts';
import type { StoredWeight } from '../onnx/emit.ts';
import { openCheckpoint } from '../weights/checkpoint.ts';
import { openTorchCheckpoint } from '../weights/torch-checkpoint.ts';
import { type UpnConfig, type UpnPreset, upnPresets } from './config.ts';
import { parseUpnConfig } from './config-file.ts';
import { upnWeights } from './weights.ts';

export interface StoredUpn {
  readonly config: UpnConfig;
  readonly weights: ReadonlyMap<string, StoredWeight>;
}

const configName = 'config.json';
/** Where a ChatRex folder keeps its proposal network. */
const subfolder = 'upn';
/** Under which key the official checkpoint holds its tensors. */
const officialKey = 'model';

/**
 * @param source the name of a bundled model; a folder with `config.json` and safetensors, or a ChatRex folder that holds
 *   such a folder as `upn/`; or a single `.safetensors`, or official `.pth`, whose sizes `preset` gives
 * @throws ChatRexError naming what is missing, malformed or does not fit
 */
export async function loadStoredUpn(source: string, preset: UpnPreset = 'upn-large'): Promise<StoredUpn> {
  const path = locate(source);
  if (statSync(path).isDirectory()) {
    const config = parseUpnConfig(await readJson(join(path, configName)));
    return { config, weights: await upnWeights(await openCheckpoint(path), config) };
  }
  const config = upnPresets[preset];
  const isTorch = ['.pth', '.pt', '.bin'].includes(extname(path));
  const file = isTorch ? await openTorchCheckpoint(path, { key: officialKey }) : await openCheckpoint(path);
  return { config, weights: await upnWeights(file, config) };
}

function locate(source: string): string {
  const bundled = fileURLToPath(new URL(`../../models/${source}`, import.meta.url));
  const candidates = /^[\w-]+$/.test(source) ? [bundled, source] : [source];
  for (const path of candidates) {
    if (!existsSync(path)) continue;
    const inner = join(path, subfolder);
    return existsSync(join(inner, configName)) ? inner : path;
  }
  throw new ChatRexError(
    'not-found',
    `model '${source}': expected a folder, a .safetensors or .pth file, or the name of a bundled model; found none`,
  );
}

async function readJson(path: string): Promise<unknown> {
  if (!existsSync(path)) {
    throw new ChatRexError(
      'not-found',
      `${path} is missing; a folder of a proposal network holds it beside its weights`,
    );
  }
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new ChatRexError('invalid-file', `${path} is not JSON: ${(cause as Error).message}`, { cause });
  }
}
