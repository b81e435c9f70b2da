/** The one place that knows which formats of data sets there are. A format is loaded when it is asked for. */

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cacheFolder } from './datasets/cache-folder.ts';
import type { Dataset, DatasetSpec } from './datasets/dataset.ts';
import { type IndexedDataset, type OpenDatasetOptions, openIndexed } from './datasets/indexed-dataset.ts';
import type { Reader } from './datasets/reader.ts';
import { didYouMean, isModulePath, parseOptions, parseSpec } from './datasets/spec.ts';
import { ChatRexError } from './errors.ts';

/** Each reader has its own type of options; its schema checks them before it sees any. */
type ReaderModule = { readonly reader: unknown };

/** Formats that are read from files. */
const readers: Readonly<Record<string, () => Promise<ReaderModule>>> = {
  allava: () => import('./datasets/formats/llava.ts'),
  bamboo: () => import('./datasets/formats/bamboo.ts'),
  coco: () => import('./datasets/formats/coco.ts'),
  crowdhuman: () => import('./datasets/formats/crowdhuman.ts'),
  'ego-objects': () => import('./datasets/formats/ego-objects.ts'),
  hiertext: () => import('./datasets/formats/hiertext.ts'),
  'json-lines': () => import('./datasets/formats/json-lines.ts'),
  llava: () => import('./datasets/formats/llava.ts'),
  'label-studio': () => import('./datasets/formats/label-studio.ts'),
  lvis: () => import('./datasets/formats/lvis.ts'),
  mdvp: () => import('./datasets/formats/mdvp.ts'),
  messages: () => import('./datasets/formats/messages.ts'),
  objects365: () => import('./datasets/formats/objects365.ts'),
  'open-images': () => import('./datasets/formats/open-images.ts'),
  osprey: () => import('./datasets/formats/osprey.ts'),
  paco: () => import('./datasets/formats/paco.ts'),
  parquet: () => import('./datasets/formats/parquet.ts'),
  photos: () => import('./datasets/formats/photos.ts'),
  refcoco: () => import('./datasets/formats/refcoco.ts'),
  rexverse: () => import('./datasets/formats/rexverse.ts'),
  sa1b: () => import('./datasets/formats/sa1b.ts'),
  sroie: () => import('./datasets/formats/sroie.ts'),
  vcr: () => import('./datasets/formats/vcr.ts'),
  yolo: () => import('./datasets/formats/yolo.ts'),
};

/** Names of all formats. */
export const datasetFormats: readonly string[] = [...Object.keys(readers), 'world'];

/**
 * Opens a data set by its spec: a text such as `coco:instances.json,images=photos`, or an object. A format that is
 * the path of a module means its export `openDataset(options, settings)`, or its export `reader`.
 * @throws ChatRexError 'invalid-argument' for an unknown format or option, and whatever the format's reader throws
 * @example
 * const data = await openDataset('coco:instances.json,images=photos');
 * const { regions } = await data.sample(0);
 * await data.close();
 */
export async function openDataset(
  spec: DatasetSpec | string,
  settings: OpenDatasetOptions = {},
): Promise<Dataset | IndexedDataset> {
  const { format, options } = typeof spec === 'string' ? parseSpec(spec) : spec;
  if (isModulePath(format)) return openModule(format, options, settings);
  if (format === 'world') return openWorld(options, settings);
  return openFiles(await readerOf(format), options, settings);
}

/** The reader of a format. @throws ChatRexError 'invalid-argument' with a guess for a misspelt name */
export async function readerOf(format: string): Promise<Reader<object>> {
  const load = Object.hasOwn(readers, format) ? readers[format] : undefined;
  if (load === undefined) {
    const message = `there is no format ${format}${didYouMean(format, datasetFormats)}`;
    throw new ChatRexError('invalid-argument', `${message}; there are ${datasetFormats.join(', ')}`);
  }
  return (await load()).reader as Reader<object>;
}

/** RexWorld: `world:train,seed=1,size=10000`. The part after the colon is the split. */
async function openWorld(options: DatasetSpec['options'], settings: OpenDatasetOptions): Promise<Dataset> {
  const { openWorldDataset, worldOptions } = await import('./world/dataset.ts');
  const { path, ...rest } = options;
  const named = path === undefined ? rest : { split: path, ...rest };
  // A spec from a command line has texts alone.
  const numbered = Object.entries(named).map(([name, value]) => [
    name,
    /^\d+$/.test(`${value}`) ? Number(value) : value,
  ]);
  const parsed = parseOptions('world', worldOptions, Object.fromEntries(numbered));
  return openWorldDataset(parsed, { ...settings, cacheFolder: cacheFolder(settings.cacheFolder) });
}

function openFiles(reader: Reader<object>, options: unknown, settings: OpenDatasetOptions): Promise<IndexedDataset> {
  return openIndexed(reader, parseOptions(reader.format, reader.options, options), settings);
}

/** What a user's module may export. */
interface DatasetModule {
  readonly openDataset?: (options: DatasetSpec['options'], settings: OpenDatasetOptions) => Promise<Dataset>;
  readonly reader?: Reader<object>;
}

async function openModule(
  path: string,
  options: DatasetSpec['options'],
  settings: OpenDatasetOptions,
): Promise<Dataset | IndexedDataset> {
  const file = resolve(settings.dataRoot ?? '.', path);
  let module: DatasetModule;
  try {
    module = (await import(pathToFileURL(file).href)) as DatasetModule;
  } catch (cause) {
    const reason = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0];
    throw new ChatRexError('invalid-file', `${file} cannot be loaded as a module: ${reason}`, { cause });
  }
  if (module.openDataset !== undefined) return module.openDataset(options, settings);
  if (module.reader !== undefined) return openFiles(module.reader, options, settings);
  throw new ChatRexError('invalid-file', `${file}: expected an export openDataset or reader, found neither`);
}
