/**
 * LVIS (lvisdataset.org, v0.5 and v1): names in a long tail, annotated in part. Of an image only some categories are
 * known to be absent (`neg_category_ids`), and of some there may be more (`not_exhaustive_category_ids`).
 */

import { z } from 'zod';
import { commonOptions, pathOption } from '../options.ts';
import { type DraftSample, defineReader, openCoverage, type ReaderContext } from '../reader.ts';
import type { Phrase } from '../sample.ts';
import { type CocoGroup, cocoGroups, detectionRegions, idOf } from './coco-like.ts';

const options = z.strictObject({
  /** The annotation file. */
  path: pathOption,
  /** The folder that holds `train2017` and `val2017`, or one of them; without it, images are not looked for. */
  images: pathOption.optional(),
  ...commonOptions,
});

/**
 * Boxes with names of an open list; nothing is background; names that are known to be absent are phrases without
 * regions.
 */
export const reader = defineReader({
  format: 'lvis',
  version: 1,
  options,
  sources: ({ path, images }) => ({ files: [path], folders: images === undefined ? [] : [images] }),
  imageFolder: ({ images }) => images,
  hasImages: ({ images }) => images !== undefined,
  async *read({ path }, context) {
    const groups = cocoGroups(path, context, { imageFields: partialFields, namesOf: (name) => [wordsOf(name)] });
    for await (const group of groups) {
      const draft = lvisDraft(group, context);
      if (draft !== undefined) yield draft;
    }
  },
});

export const partialFields = ['neg_category_ids', 'not_exhaustive_category_ids'];

/** `bow_(decorative_ribbons)` in words: `bow (decorative ribbons)`. */
export function wordsOf(name: string): string {
  return name.replaceAll('_', ' ').trim();
}

function lvisDraft(group: CocoGroup, context: ReaderContext): DraftSample | undefined {
  const { id, size, fields } = group.image;
  const names = fileNames(fields);
  if (names.length === 0) {
    context.report({ kind: 'bad-record', sample: id, value: 'an image without file_name and coco_url' });
    return undefined;
  }
  const [file, ...otherFiles] = names;
  const { regions } = detectionRegions(group, context);
  return {
    id,
    image: { file, ...(size && { size }) },
    otherFiles,
    regions,
    ...partialLabels(group, context),
    conversations: [],
  };
}

/**
 * The name of an image below the folder, and what it may be called otherwise. Validation images of v1 lie in
 * train2017 and val2017, which only `coco_url` tells.
 */
function fileNames({ file_name: name, coco_url: url }: Readonly<Record<string, unknown>>): string[] {
  const fromUrl = typeof url === 'string' ? lastParts(url, 2) : undefined;
  const names = [fromUrl, typeof name === 'string' && name !== '' ? name : undefined, fromUrl && lastParts(fromUrl, 1)];
  return [...new Set(names.filter((candidate) => candidate !== undefined && candidate !== ''))] as string[];
}

/** The last parts of a path or address: `train2017/x.jpg`. */
export function lastParts(path: string, count: number): string {
  return path.split('/').slice(-count).join('/');
}

/** Categories that are absent as phrases without regions, and those of which there may be more. */
export function partialLabels(
  { image, annotations, categories }: CocoGroup,
  context: ReaderContext,
): Pick<DraftSample, 'phrases' | 'coverage'> {
  const present = new Set(annotations.map(({ categoryId }) => categoryId));
  const namesOf = (field: string): string[] => {
    const ids = image.fields[field];
    if (ids === undefined) return [];
    if (!Array.isArray(ids)) {
      context.report({ kind: 'bad-record', sample: image.id, value: `${field} is not a list` });
      return [];
    }
    return ids.flatMap((value) => {
      const id = idOf(value);
      const name = id === undefined ? undefined : categories.get(id)?.name;
      if (name !== undefined) return field === 'neg_category_ids' && present.has(id) ? [] : [name];
      context.report({ kind: 'unknown-category', sample: image.id, value: `${field}: ${id}` });
      return [];
    });
  };
  const phrases = namesOf('neg_category_ids').map((text): Phrase => ({ text, regions: [], kind: 'name' }));
  const partialCategories = namesOf('not_exhaustive_category_ids');
  return {
    phrases,
    coverage: partialCategories.length > 0 ? { ...openCoverage, partialCategories } : openCoverage,
  };
}
