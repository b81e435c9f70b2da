/** Mixtures of data sets as users write them: specs on a command line, or a JSON file or module with weights. */

import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { ChatRexError } from '../errors.ts';
import type { DatasetSpec } from './dataset.ts';
import { datasetSpecSchema, parseSpec } from './spec.ts';

/** A data set of a mixture. */
export interface MixturePart {
  readonly data: DatasetSpec;
  /** Share of the samples, relative to the other parts. */
  readonly weight: number;
  /** Conversations of each task for each image of this part, in place of the configuration's. */
  readonly conversations?: Readonly<Record<string, number>>;
}

export type Mixture = readonly MixturePart[];

const partFields = {
  weight: z.number().positive(),
  conversations: z.record(z.string(), z.number().nonnegative()).optional(),
};

/** For the schemas of configurations. */
export const mixtureSchema = z
  .array(z.strictObject({ data: datasetSpecSchema, ...partFields }))
  .min(1)
  .readonly();

/** As files have it: a spec may be a text, and a weight is 1 by default. */
const fileSchema = z
  .array(
    z.strictObject({
      data: z.union([z.string(), datasetSpecSchema]),
      ...partFields,
      weight: partFields.weight.default(1),
    }),
  )
  .min(1);

/**
 * The mixture that `--data` means: every text is a spec of weight 1, or a JSON file or module that holds a list of
 * `{ data, weight, conversations }`.
 * @param dataRoot what paths are relative to
 * @throws ChatRexError 'invalid-argument' or 'invalid-file' naming what is wrong
 * @example await readMixture(['coco:train.json,images=train'], '.')
 */
export async function readMixture(texts: readonly string[], dataRoot = '.'): Promise<Mixture> {
  const parts: MixturePart[] = [];
  for (const text of texts) {
    const listed = await readList(text, dataRoot);
    if (listed === undefined) parts.push({ data: parseSpec(text), weight: 1 });
    else parts.push(...parseList(listed, text));
  }
  return parts;
}

/** The list in a file; undefined for a text that is a spec. */
async function readList(text: string, dataRoot: string): Promise<unknown> {
  const path = resolve(dataRoot, text);
  if (!/\.(json|[cm]?[jt]s)$/.test(text) || !(await stat(path).catch(() => undefined))?.isFile()) return undefined;
  if (!text.endsWith('.json')) {
    const module = (await import(pathToFileURL(path).href)) as { readonly default?: unknown };
    // A module without a list opens a data set.
    return Array.isArray(module.default) ? module.default : undefined;
  }
  try {
    return JSON.parse((await readFile(path, 'utf8')).replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new ChatRexError('invalid-file', `${text} is not JSON: ${(cause as Error).message}`, { cause });
  }
}

function parseList(list: unknown, name: string): MixturePart[] {
  const parsed = fileSchema.safeParse(list);
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues;
    const hint = Array.isArray(list) ? '' : '; a mixture is a list of { "data": SPEC, "weight": 1 }';
    throw new ChatRexError('invalid-file', `${name}: ${path.join('.') || 'top level'}: ${message}${hint}`);
  }
  return parsed.data.map(({ data, ...rest }) => ({ data: typeof data === 'string' ? parseSpec(data) : data, ...rest }));
}
