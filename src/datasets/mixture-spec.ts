/** Mixtures of data sets as users write them: specs on a command line, or a JSON file or module with weights. */

import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { ChatRexError } from '../errors.ts';
import type { DatasetSpec } from './dataset.ts';
import { JsonSyntaxError, parseJson } from './json/parse.ts';
import { datasetSpecSchema, didYouMean, parseSpec } from './spec.ts';

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
    const module = await importModule(path, text);
    // A module without a list opens a data set.
    return Array.isArray(module.default) ? module.default : undefined;
  }
  const { size } = await stat(path);
  if (size > maxFileBytes) {
    const message = `${text} has ${size} bytes: not a mixture`;
    throw new ChatRexError('limit-exceeded', `${message}; annotations need their format, for example coco:${text}`);
  }
  try {
    return parseJson((await readFile(path, 'utf8')).replace(/^\uFEFF/, ''));
  } catch (cause) {
    if (!(cause instanceof JsonSyntaxError)) throw cause;
    const place = `at character ${cause.offset + 1}`;
    throw new ChatRexError('invalid-file', `${text} is not JSON: ${cause.message} ${place}`, { cause });
  }
}

/** A mixture is a page of text. */
const maxFileBytes = 2 ** 22;

async function importModule(path: string, text: string): Promise<{ readonly default?: unknown }> {
  try {
    return await import(pathToFileURL(path).href);
  } catch (cause) {
    const reason = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0];
    throw new ChatRexError('invalid-file', `${text} cannot be loaded as a module: ${reason}`, { cause });
  }
}

function parseList(list: unknown, name: string): MixturePart[] {
  const parsed = fileSchema.safeParse(list);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const place = issue.path.join('.') || 'top level';
    const guess =
      issue.code === 'unrecognized_keys' ? didYouMean(issue.keys[0], ['data', ...Object.keys(partFields)]) : '';
    const hint = Array.isArray(list) ? '' : '; a mixture is a list of { "data": SPEC, "weight": 1 }';
    throw new ChatRexError('invalid-file', `${name}: ${place}: ${issue.message}${guess}${hint}`);
  }
  return parsed.data.map(({ data, ...rest }) => ({ data: typeof data === 'string' ? parseSpec(data) : data, ...rest }));
}
