/**
 * Everything that decides what a run writes: filters, prompts, models. Two runs with equal settings over equal lists
 * write equal bytes. What only decides how fast it goes (workers, limits, deadlines) is elsewhere.
 */

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ChatRexError } from '../errors.ts';
import { locateNetwork } from '../proposals/locate.ts';
import { nanoDetModelType } from '../proposals/nanodet/config.ts';
import { canonicalJson, sha256 } from './content-key.ts';
import { formatOf, type GroundingFormat } from './models/grounding-answers.ts';
import { type RoleName, roleNames } from './models/roles.ts';
import type { Prompts } from './prompts.ts';
import type { DescribeOptions } from './stages/describe.ts';
import type { GroundOptions } from './stages/ground.ts';
import type { ImageFilters } from './stages/inspect.ts';

export type ModelSpec =
  | { readonly kind: 'chatrex'; readonly folder: string; readonly revision: string }
  /** A network that finds and names things and writes nothing: a grounder. */
  | { readonly kind: 'detector'; readonly folder: string; readonly revision: string }
  | {
      readonly kind: 'endpoint';
      readonly url: string;
      readonly model: string;
      readonly format: GroundingFormat;
      readonly maxTokens: number;
      readonly temperature: number;
    };

export interface Settings {
  readonly prompts: Prompts;
  readonly roles: Readonly<Record<RoleName, ModelSpec>>;
  readonly filters: ImageFilters;
  readonly ground: GroundOptions;
  readonly describe: DescribeOptions;
}

/**
 * Names settings by what they are. A model's folder is left out: its revision says which weights it holds.
 * @returns a hash for each part, so that a run can say what has changed
 */
export function fingerprint(settings: Settings): Record<string, string> {
  const short = (value: unknown) => sha256(canonicalJson(value)).slice(0, 16);
  const { prompts, roles, filters, ground, describe } = settings;
  const models = roleNames.map((role) => [role, short({ ...roles[role], folder: undefined })]);
  return {
    prompts: short(prompts),
    filters: short(filters),
    ground: short(ground),
    describe: short(describe),
    ...Object.fromEntries(models),
  };
}

export interface ModelOptions {
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly groundingFormat?: GroundingFormat;
}

/**
 * What a user writes for a role: `URL#model` of an OpenAI-compatible endpoint, a ChatRex folder, or a detector's.
 * @param modelFolder finds the folder of a bundled model by its name
 * @throws ChatRexError 'invalid-argument' for an address without a model; 'not-found' for a folder without one
 */
export async function parseModel(
  text: string,
  modelFolder: (folderOrName: string) => string,
  { maxTokens = 512, temperature = 0, groundingFormat }: ModelOptions = {},
): Promise<ModelSpec> {
  if (!/^https?:\/\//.test(text)) {
    const detector = await detectorFolder(text);
    if (detector !== undefined) return { kind: 'detector', folder: detector, revision: await revisionOf(detector) };
    const folder = modelFolder(text);
    return { kind: 'chatrex', folder, revision: await revisionOf(folder) };
  }
  const [url, model, ...more] = text.split('#');
  if (!model || more.length > 0) {
    throw new ChatRexError(
      'invalid-argument',
      `model '${text}': expected URL#model, for example http://127.0.0.1:8000/v1#InternVL2-8B`,
    );
  }
  const format = groundingFormat ?? formatOf(model);
  return { kind: 'endpoint', url: url.replace(/\/+$/, ''), model, format, maxTokens, temperature };
}

/** The folder of a detector that is named, unless it is only the eyes of a ChatRex in the same folder. */
async function detectorFolder(folderOrName: string): Promise<string | undefined> {
  const network = await locateNetwork(folderOrName).catch(() => undefined);
  if (!network?.isFolder || !isNanoDet(network.config)) return undefined;
  const isInside = basename(network.path) === 'upn' && basename(folderOrName) !== 'upn';
  return isInside && existsSync(join(dirname(network.path), 'config.json')) ? undefined : network.path;
}

const isNanoDet = (config: unknown) => (config as { model_type?: string } | null)?.model_type === nanoDetModelType;

/** Of a large file of weights, this much is read at its start and its end. */
const sampledBytes = 2 ** 20;

/**
 * Tells the weights of model folders apart, by their configuration and by size, start and end of every file of weights.
 */
async function revisionOf(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const files = (await readdir(folder, { recursive: true })).filter((name) =>
    /config\.json$|\.safetensors$/.test(name),
  );
  if (files.length === 0) {
    throw new ChatRexError('not-found', `model folder ${folder}: expected config.json and weights, found neither`);
  }
  for (const name of files.sort()) {
    hash.update(name);
    const path = join(folder, name);
    if (name.endsWith('.json')) hash.update(await readFile(path));
    else hash.update(await sample(path));
  }
  return hash.digest('hex').slice(0, 32);
}

async function sample(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const read = async (start: number, end: number) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
      return buffer.subarray(0, bytesRead);
    };
    const head = await read(0, Math.min(size, sampledBytes));
    const tail = await read(Math.max(0, size - sampledBytes), size);
    return Buffer.concat([Buffer.from(String(size)), head, tail]);
  } finally {
    await file.close();
  }
}
