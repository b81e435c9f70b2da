/** Data set specs as users write them: `coco:instances.json,images=photos` on a command line, objects in JSON files. */

import { closest, distance } from 'fastest-levenshtein';
import { z } from 'zod';
import { ChatRexError } from '../errors.ts';
import type { DatasetSpec } from './dataset.ts';

/** `DatasetSpec` as JSON. */
export const datasetSpecSchema = z.strictObject({
  format: z.string().min(1),
  options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])).default({}),
});

/** A format's name, a colon, and the first option; a drive letter of Windows is not a format. */
const specPattern = /^([a-z][a-z0-9-]+):(.*)$/is;

/**
 * A spec from its text, `FORMAT:PATH,option=value,...`. A comma before something other than `name=` belongs to the
 * value. A text without a format that ends in .ts, .js or .mjs names a module.
 * @throws ChatRexError 'invalid-argument'
 * @example parseSpec('coco:instances.json,images=photos')
 *   // { format: 'coco', options: { path: 'instances.json', images: 'photos' } }
 */
export function parseSpec(text: string): DatasetSpec {
  if (text.trim().startsWith('{')) return parseSpecObject(text);
  const [, format, rest] = specPattern.exec(text) ?? [];
  if (format === undefined) {
    const [path, ...pairs] = splitOptions(text);
    if (isModulePath(path)) return { format: path, options: optionsOf(pairs, text) };
    throw new ChatRexError(
      'invalid-argument',
      `"${text}" has no format; expected FORMAT:PATH, for example coco:${text || 'instances.json'}`,
    );
  }
  const [path, ...pairs] = splitOptions(rest);
  return { format, options: { ...(path !== '' && { path }), ...optionsOf(pairs, text) } };
}

/** Whether a format is the path of a user's module. */
export function isModulePath(format: string): boolean {
  return /\.[cm]?[jt]s$/.test(format);
}

function splitOptions(text: string): string[] {
  // `world:seed=7` has no path.
  const parts = text.split(/,(?=[A-Za-z][\w-]*=)/);
  return /^[A-Za-z][\w-]*=/.test(parts[0]) ? ['', ...parts] : parts;
}

function optionsOf(pairs: readonly string[], text: string): Record<string, string> {
  const options: Record<string, string> = {};
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const name = pair.slice(0, at);
    if (Object.hasOwn(options, name)) {
      throw new ChatRexError('invalid-argument', `"${text}" has the option ${name} twice; give it once`);
    }
    options[name] = pair.slice(at + 1);
  }
  return options;
}

function parseSpecObject(text: string): DatasetSpec {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ChatRexError('invalid-argument', `the spec ${text.slice(0, 60)} is not JSON`, { cause });
  }
  const parsed = datasetSpecSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new ChatRexError('invalid-argument', `the spec ${text.slice(0, 60)}: ${issueText(parsed.error, [])}`);
}

/**
 * Options that the schema of a format accepts.
 * @throws ChatRexError 'invalid-argument' naming the option, with a guess for one that is misspelt
 */
export function parseOptions<Options>(format: string, schema: z.ZodType<Options>, options: unknown): Options {
  const parsed = schema.safeParse(options);
  if (parsed.success) return parsed.data;
  throw new ChatRexError('invalid-argument', `${format}: ${issueText(parsed.error, optionNames(schema))}`);
}

/** The options of a format, where its schema is an object. */
export function optionNames(schema: z.ZodType): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function issueText(error: z.ZodError, names: readonly string[]): string {
  const [issue] = error.issues;
  if (issue.code === 'unrecognized_keys') {
    const [key] = issue.keys;
    return `there is no option ${key}${didYouMean(key, names)}; there are ${names.join(', ')}`;
  }
  const name = issue.path.join('.');
  return name === '' ? issue.message : `option ${name}: ${issue.message}`;
}

/** `, did you mean X?` where one of the names is close; '' otherwise. */
export function didYouMean(word: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  const best = closest(word.toLowerCase(), names);
  const isClose = distance(word.toLowerCase(), best) <= Math.max(2, Math.floor(best.length / 3));
  return isClose ? `, did you mean ${best}?` : '';
}
