/**
 * YOLO folders as Ultralytics describes them: `data.yaml` names the splits and the classes; beside `images/` lies
 * `labels/` with a text file for each image. A line is a class and either a box (centre, width, height), a polygon,
 * or a box with keypoints, all as shares of the image's sides.
 */

import { readFile, stat } from 'node:fs/promises';
import { dirname, extname, isAbsolute, join, relative, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { ChatRexError } from '../../errors.ts';
import type { VocabularyEntry } from '../dataset.ts';
import { textLines } from '../json/lines.ts';
import { commonOptions, pathOption } from '../options.ts';
import { completeCoverage, type DraftRegion, defineReader, type ReaderContext } from '../reader.ts';
import { isImageName, walkFolder } from '../walk-folder.ts';

const options = z.strictObject({
  /** `data.yaml`, or the folder that holds it. */
  path: pathOption,
  /** A key of the file that names images: train, val or test. */
  split: z.string().default('train'),
  ...commonOptions,
});

/** A data.yaml is a page of text. */
const maxYamlBytes = 2 ** 22;
/** A label file is a line an object. */
const maxLabelBytes = 2 ** 24;

const yamlSchema = z.object({
  path: z.string().nullish(),
  names: z.union([
    z.array(z.union([z.string(), z.number()]).transform(String)),
    z.record(z.string(), z.union([z.string(), z.number()]).transform(String)),
  ]),
  kpt_shape: z.array(z.number()).optional(),
});

/**
 * Boxes with names of a closed list; everything without a box is background. Images without a label file have no
 * objects.
 */
export const reader = defineReader({
  format: 'yolo',
  version: 1,
  options,
  sources: async ({ path, split }, resolvePath) => {
    const yaml = await readYaml(resolvePath(path), split);
    const places = yaml.places.flatMap((place) => [place, labelFolder(place)]);
    const isFolder = await Promise.all(places.map(async (place) => (await kindOf(place)) === 'folder'));
    return {
      files: [yaml.file, ...yaml.places.filter((place) => place.endsWith('.txt'))],
      trees: places.filter((_, at) => isFolder[at]),
    };
  },
  imageFolder: () => undefined,
  hasImages: () => true,
  async *read({ path, split }, context) {
    const yaml = await readYaml(context.resolve(path), split);
    context.setVocabulary(yaml.names);
    let images = 0;
    let labelled = 0;
    let example = '';
    for (const place of yaml.places) {
      for await (const image of imagesAt(place, context)) {
        const id = relative(yaml.root, image).replaceAll('\\', '/');
        const file = relative(dirname(yaml.file), image).replaceAll('\\', '/');
        const regions = await readLabels(labelFile(image), id, yaml, context);
        images++;
        if (regions !== undefined) labelled++;
        else example ||= labelFile(image);
        yield {
          id: id.startsWith('..') ? image.replaceAll('\\', '/') : id,
          image: { file: file.startsWith('..') ? image : file },
          regions: regions ?? [],
          boxUnit: 'share' as const,
          phrases: [],
          conversations: [],
          coverage: completeCoverage,
        };
      }
    }
    // One image without labels has no objects; all of them mean that the labels lie elsewhere.
    if (images > 0 && labelled === 0) {
      throw new ChatRexError('not-found', `none of ${images} images has a label file, the first would be ${example}`);
    }
  },
});

interface YoloYaml {
  readonly file: string;
  readonly root: string;
  /** Folders of images, or text files that list them. */
  readonly places: readonly string[];
  readonly names: readonly VocabularyEntry[];
  readonly nameOf: ReadonlyMap<number, string>;
  readonly hasKeypoints: boolean;
}

const kindOf = async (path: string): Promise<'folder' | 'file' | undefined> => {
  const stats = await stat(path).catch(() => undefined);
  if (stats === undefined) return undefined;
  return stats.isDirectory() ? 'folder' : 'file';
};

async function readYaml(path: string, split: string): Promise<YoloYaml> {
  const file = (await kindOf(path)) === 'folder' ? await yamlIn(path) : path;
  const content = await readYamlFile(file);
  const parsed = yamlSchema.safeParse(content);
  if (!parsed.success) {
    const [{ path: field, message }] = parsed.error.issues;
    throw new ChatRexError('invalid-file', `${file}: ${field.join('.') || 'the file'}: ${message}`);
  }
  const { names, path: stated, kpt_shape: keypoints } = parsed.data;
  const folder = dirname(file);
  const named = stated ? resolve(folder, stated) : folder;
  // `path` is often that of another machine.
  const root = (await kindOf(named)) === 'folder' ? named : folder;
  const places = (content as Record<string, unknown>)[split];
  if (places === undefined || places === null) {
    const splits = Object.keys(content as object).filter((key) => ['train', 'val', 'test', 'minival'].includes(key));
    throw new ChatRexError('invalid-argument', `${file} has no split ${split}; it has ${splits.join(', ') || 'none'}`);
  }
  const list = (Array.isArray(places) ? places : [places]).map(String);
  const nameOf = new Map(Object.entries(names).map(([key, name]) => [Number(key), name]));
  return {
    file,
    root,
    places: await Promise.all(list.map((place) => findPlace(root, place))),
    names: [...nameOf].map(([sourceId, name]) => ({ name, sourceId })),
    nameOf,
    hasKeypoints: keypoints !== undefined,
  };
}

/** Roboflow writes `../train/images` for what lies beside the file. */
async function findPlace(root: string, place: string): Promise<string> {
  const path = resolve(root, place);
  if ((await kindOf(path)) !== undefined) return path;
  const beside = resolve(root, place.replace(/^(\.\.\/)+/, ''));
  return (await kindOf(beside)) === undefined ? path : beside;
}

async function yamlIn(folder: string): Promise<string> {
  for (const name of ['data.yaml', 'dataset.yaml', 'data.yml']) {
    if ((await kindOf(join(folder, name))) === 'file') return join(folder, name);
  }
  throw new ChatRexError('not-found', `${folder} holds no data.yaml; give the path of the file`);
}

async function readYamlFile(file: string): Promise<unknown> {
  const size = (await stat(file).catch(() => undefined))?.size;
  if (size === undefined) throw new ChatRexError('not-found', `${file} does not exist: check the path`);
  if (size > maxYamlBytes) throw new ChatRexError('limit-exceeded', `${file} has ${size} bytes: not a data.yaml`);
  const document = parseDocument(await readFile(file, 'utf8'), { prettyErrors: true });
  const [error] = document.errors;
  const reason = () => error.message.split('\n')[0];
  if (error !== undefined) throw new ChatRexError('invalid-file', `${file} is not YAML: ${reason()}`);
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw new ChatRexError('invalid-file', `${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

async function* imagesAt(place: string, context: ReaderContext): AsyncGenerator<string> {
  if ((await kindOf(place)) !== 'file') {
    for await (const { path } of walkFolder(place)) if (isImageName(path)) yield path;
    return;
  }
  for await (const lines of textLines(place, { onBytes: context.onBytes, signal: context.signal })) {
    for (const { bytes } of lines) {
      const name = bytes.toString('utf8').trim();
      yield isAbsolute(name) ? name : resolve(dirname(place), name);
    }
  }
}

/** The last folder called `images` becomes `labels`. */
function labelFolder(path: string): string {
  return path.replace(/(^|[\\/])images(?!.*[\\/]images([\\/]|$))(?=[\\/]|$)/, '$1labels');
}

function labelFile(image: string): string {
  const path = labelFolder(dirname(image));
  const name = image.slice(dirname(image).length + 1);
  return join(path, `${name.slice(0, name.length - extname(name).length)}.txt`);
}

/** The regions of a label file; undefined if the file is missing. */
async function readLabels(
  file: string,
  sample: string,
  yaml: YoloYaml,
  { report }: ReaderContext,
): Promise<DraftRegion[] | undefined> {
  const size = (await stat(file).catch(() => undefined))?.size;
  if (size === undefined) return undefined;
  if (size > maxLabelBytes) {
    report({ kind: 'bad-record', sample, value: `a label file of ${size} bytes` });
    return [];
  }
  const lines = (await readFile(file, 'utf8')).replace(/^\uFEFF/, '').split('\n');
  return lines.flatMap((line, at): DraftRegion[] => {
    const text = line.trim();
    if (text === '') return [];
    const numbers = text.split(/\s+/).map(Number);
    const sourceId = `line ${at + 1}`;
    const box = shareBox(numbers, yaml.hasKeypoints);
    if (box === undefined) {
      report({ kind: 'bad-record', sample, source: sourceId, value: text });
      return [];
    }
    const category = yaml.nameOf.get(numbers[0]);
    if (category === undefined)
      report({ kind: 'unknown-category', sample, source: sourceId, value: text.split(' ')[0] });
    const score = numbers.length === 6 && numbers[5] >= 0 && numbers[5] <= 1 ? numbers[5] : undefined;
    return [
      {
        boxXyxy: box,
        ...(category !== undefined && { category }),
        granularities: ['coarse'],
        ...(score !== undefined && { score }),
        sourceId,
      },
    ];
  });
}

/** The box of a line in shares; not yet checked for numbers. */
function shareBox(numbers: readonly number[], hasKeypoints: boolean): number[] | undefined {
  const [, ...rest] = numbers;
  if (rest.length === 4 || rest.length === 5 || (hasKeypoints && rest.length > 4)) {
    const [x, y, width, height] = rest;
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
  }
  if (rest.length < 6 || rest.length % 2 !== 0) return undefined;
  const xs = rest.filter((_, at) => at % 2 === 0);
  const ys = rest.filter((_, at) => at % 2 === 1);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}
