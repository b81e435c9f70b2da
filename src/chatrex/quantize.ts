/** A whole ChatRex in fewer bytes: `quantizeFolder` with the layout of its encoders and language model, and its UPN. */

import { existsSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ChatRexError } from '../errors.ts';
import { languageParameters, notParameters, type Quantization, readConfig } from '../language/load.ts';
import {
  type QuantizeProgress,
  quantizeFolder,
  quantizeLanguageModel,
  requireNew,
  type TargetLayout,
} from '../language/quantize.ts';
import { loadStoredNetwork } from '../proposals/load-proposal-network.ts';
import { quantizeUpn } from '../proposals/quantize.ts';
import { parameterName, unusedTensors } from './checkpoint-names.ts';
import { languageConfig, parseChatRexConfig } from './config.ts';
import { visionParameters } from './weights.ts';

/** How the parts of a model shall be stored; a part that is not named stays as it is. */
export interface PartFormats extends Quantization {
  /** The large products of the proposal network, which lies in `upn/` of a ChatRex. */
  readonly upn?: 'int8';
}

/** Where a ChatRex folder keeps its proposal network. */
const upnFolder = 'upn';

/**
 * Writes the model in folder `source` with the weights of its linear layers as integers into the new folder `target`,
 * which loads by the same path. Llama and Qwen2 folders are taken as well, and for `upn` alone whatever `Upn.load`
 * takes.
 *
 * @throws ChatRexError 'not-found' when `upn` is asked for and missing, 'unsupported' when a network of another kind
 *   is in its place; as `quantizeFolder` and `quantizeUpn` do
 */
export async function quantize(
  source: string,
  target: string,
  { upn, ...quantization }: PartFormats,
  onProgress?: (progress: QuantizeProgress) => void,
): Promise<void> {
  const isNamed = quantization.language !== undefined || quantization.vision !== undefined;
  const inner = join(source, upnFolder);
  if (upn && !isNamed && !existsSync(inner)) return quantizeUpn(source, target, onProgress);
  if (upn && !existsSync(inner))
    throw new ChatRexError('not-found', `${inner} is missing; leave out what is asked of it`);
  if (upn) await requireUpn(inner);
  if (isNamed) await quantizeParts(source, target, quantization, onProgress);
  else {
    await requireNew(target);
    await cp(source, target, { recursive: true, dereference: true });
  }
  if (!upn) return;
  try {
    await rm(join(target, upnFolder), { recursive: true });
    await quantizeUpn(inner, join(target, upnFolder), onProgress);
  } catch (error) {
    await rm(target, { recursive: true, force: true });
    throw error;
  }
}

/** Refused before anything is written. */
async function requireUpn(folder: string): Promise<void> {
  const { kind } = await loadStoredNetwork(folder);
  if (kind === 'upn') return;
  throw new ChatRexError(
    'unsupported',
    `${folder} is a ${kind}, which has no form in int8; leave out --upn and it is copied as it is`,
  );
}

/** Encoders, projectors and language model; what else lies in the folder is copied. */
async function quantizeParts(
  source: string,
  target: string,
  quantization: Quantization,
  onProgress?: (progress: QuantizeProgress) => void,
): Promise<void> {
  const { model_type: modelType } = (await readConfig(source)) as { model_type?: unknown };
  const isLanguageModel = modelType === 'llama' || modelType === 'qwen2';
  if (isLanguageModel && quantization.language && !quantization.vision) {
    return quantizeLanguageModel(source, target, quantization.language, onProgress);
  }
  return quantizeFolder(source, target, quantization, (json) => chatRexLayout(json, quantization), onProgress);
}

/** What a quantised ChatRex holds, by the configuration of the original. */
export function chatRexLayout(json: unknown, quantization: Quantization): TargetLayout {
  const config = { ...parseChatRexConfig(json), quantization };
  const language = languageConfig(config);
  return {
    parameters: [...visionParameters(config), ...languageParameters(language, quantization.language ?? 'float')],
    parameterName: (stored) => parameterName(stored, config.prefixes),
    ignore: [...unusedTensors(config), notParameters, ...(language.tieWordEmbeddings ? [/^lm_head\.weight$/] : [])],
  };
}
