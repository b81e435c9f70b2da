/** Configurations by name or from a user's module, with what the command line says instead. */

import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Mixture } from '../datasets/mixture-spec.ts';
import { didYouMean } from '../datasets/spec.ts';
import { ChatRexError } from '../errors.ts';
import { parseStageConfig } from './config-schema.ts';
import { nanoAlign, nanoInstruct } from './configs/nano-mllm.ts';
import { nanoUpn } from './configs/nano-upn.ts';
import { nanoVision } from './configs/nano-vision.ts';
import { photosAlign, photosInstruct } from './configs/photos-mllm.ts';
import { photosSmollmAlign, photosSmollmInstruct } from './configs/photos-smollm.ts';
import { photosUpn } from './configs/photos-upn.ts';
import type { Validation } from './mixture.ts';
import type { StageConfigs, StageName } from './stages.ts';

/** A configuration whose data may still be missing. */
type Draft<Name extends StageName> = Omit<StageConfigs[Name], 'data'> & Partial<Pick<StageConfigs[Name], 'data'>>;

const configs: { readonly [Name in StageName]: Readonly<Record<string, Draft<Name>>> } = {
  vision: { nano: nanoVision },
  upn: { nano: nanoUpn, photos: photosUpn },
  align: { photos: photosAlign, 'photos-smollm': photosSmollmAlign, nano: nanoAlign },
  instruct: { photos: photosInstruct, 'photos-smollm': photosSmollmInstruct, nano: nanoInstruct },
};

/**
 * Names of the configurations of a stage.
 * @example configNames('upn'); // ['nano', 'photos']
 */
export const configNames = (stage: StageName): string[] => Object.keys(configs[stage]);

/** What replaces fields of a configuration. */
export interface ConfigChanges {
  readonly steps?: number;
  readonly data?: Mixture;
  readonly validation?: Validation;
  /** Samples of RexWorld. */
  readonly scenes?: number;
}

/**
 * @param source a name of `configNames`, or the path of a module whose default export is a configuration
 * @throws ChatRexError 'not-found', or 'invalid-file' naming the field that is wrong
 * @example const data = await readMixture(['coco:train.json,images=train']);
 *   const config = await loadStageConfig('upn', 'photos', { data });
 */
export async function loadStageConfig<Name extends StageName>(
  stage: Name,
  source: string,
  { steps, data, validation, scenes }: ConfigChanges = {},
): Promise<StageConfigs[Name]> {
  const draft = Object.hasOwn(configs[stage], source)
    ? configs[stage][source]
    : await importConfig(source, configNames(stage), stage);
  const changed = {
    ...draft,
    ...(steps !== undefined && { steps }),
    // Figures on the configuration's own validation data would say nothing about other data.
    ...(data && { data, validation }),
    ...(validation && { validation }),
  };
  const config = parseStageConfig(stage, dropUndefined(changed), source);
  return scenes === undefined ? config : { ...config, data: config.data.map((part) => withSize(part, scenes)) };
}

const dropUndefined = (fields: object): object =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

const withSize = (part: Mixture[number], size: number): Mixture[number] =>
  part.data.format === 'world' ? { ...part, data: { ...part.data, options: { ...part.data.options, size } } } : part;

async function importConfig(source: string, known: readonly string[], stage: string): Promise<object> {
  const path = resolve(source);
  if (!(await stat(path).catch(() => undefined))?.isFile()) {
    throw new ChatRexError(
      'not-found',
      `no configuration '${source}' for train ${stage}${didYouMean(source, known)}; there is ${known.join(', ')}, or give ` +
        'a module (.js, .mjs, .ts) whose default export is one',
    );
  }
  if (!/\.[cm]?[jt]s$/.test(path)) {
    throw new ChatRexError(
      'invalid-file',
      `${source}: expected a module (.js, .mjs or .ts) whose default export is a configuration`,
    );
  }
  let module: { readonly default?: unknown };
  try {
    module = (await import(pathToFileURL(path).href)) as typeof module;
  } catch (cause) {
    const reason = (cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)).split('\n')[0];
    throw new ChatRexError('invalid-file', `${source} cannot be loaded: ${reason}`, { cause });
  }
  if (typeof module.default !== 'object' || module.default === null) {
    throw new ChatRexError('invalid-file', `${source}: expected a default export with the fields of a configuration`);
  }
  return module.default;
}
