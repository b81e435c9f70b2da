/** Where a proposal network is on disk. */

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bundledModel } from '../bundled-models.ts';
import { ChatRexError } from '../errors.ts';
import { pulledModel, requirePulled } from '../weights/hub/cache.ts';
import { readModelJson } from '../weights/wrong-content.ts';

const configName = 'config.json';
/** Where a ChatRex folder keeps its proposal network. */
const subfolder = 'upn';

/** A folder with its parsed `config.json`, or a single weight file. */
export type LocatedNetwork =
  | { readonly path: string; readonly isFolder: true; readonly config: unknown }
  | { readonly path: string; readonly isFolder: false };

/**
 * @param source the name of a bundled model; a folder with `config.json` and safetensors, or a ChatRex folder that
 *   holds such a folder as `upn/`; or a single weight file
 * @throws ChatRexError 'not-found' when it or its `config.json` is missing, 'invalid-file' when that is not JSON
 */
export async function locateNetwork(source: string): Promise<LocatedNetwork> {
  const path = pathOf(source);
  if (!statSync(path).isDirectory()) return { path, isFolder: false };
  return { path, isFolder: true, config: await readJson(join(path, configName)) };
}

function pathOf(source: string): string {
  const path = bundledModel(source) ?? source;
  if (existsSync(path)) {
    const inner = join(path, subfolder);
    return existsSync(join(inner, configName)) ? inner : path;
  }
  const pulled = pulledModel(source);
  if (pulled !== undefined) return existsSync(join(pulled, subfolder, configName)) ? join(pulled, subfolder) : pulled;
  requirePulled(source);
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
  return readModelJson(path);
}
