/** EgoObjects (facebookresearch/EgoObjects): LVIS-like; the name of an image's file is its `url`. */

import { z } from 'zod';
import { commonOptions, pathOption } from '../options.ts';
import { type DraftSample, defineReader, type ReaderContext } from '../reader.ts';
import { type CocoGroup, cocoGroups, detectionRegions } from './coco-like.ts';
import { lastParts, partialFields, partialLabels, wordsOf } from './lvis.ts';

const options = z.strictObject({
  /** `EgoObjectsV1_unified_train.json`, `..._eval.json` or `..._metadata.json`. */
  path: pathOption,
  /** The folder of images; without it, they are not looked for. */
  images: pathOption.optional(),
  /** Images of one subset alone; the file for evaluation holds `val` and `test`. */
  subset: z.string().optional(),
  ...commonOptions,
});

/** Boxes with names of an open list; nothing is background. What a person called a thing is a phrase. */
export const reader = defineReader({
  format: 'ego-objects',
  version: 1,
  options,
  sources: ({ path, images }) => ({ files: [path], folders: images === undefined ? [] : [images] }),
  imageFolder: ({ images }) => images,
  hasImages: ({ images }) => images !== undefined,
  async *read({ path, subset }, context) {
    const groups = cocoGroups(path, context, {
      imageFields: ['url', 'subset', ...partialFields],
      annotationFields: ['category_freeform'],
      namesOf: (name) => [wordsOf(name)],
    });
    for await (const group of groups) {
      if (subset !== undefined && group.image.fields.subset !== subset) continue;
      const draft = egoObjectsDraft(group, context);
      if (draft !== undefined) yield draft;
    }
  },
});

function egoObjectsDraft(group: CocoGroup, context: ReaderContext): DraftSample | undefined {
  const { id, size, fields } = group.image;
  const file = [fields.url, fields.file_name].find((name) => typeof name === 'string' && name !== '');
  if (typeof file !== 'string') {
    context.report({ kind: 'bad-record', sample: id, value: 'an image without url' });
    return undefined;
  }
  const { regions } = detectionRegions(group, context, true);
  const { phrases, coverage } = partialLabels(group, context);
  const called = group.annotations.flatMap(({ categoryId, fields: { category_freeform: text } }, index) => {
    if (categoryId !== undefined || typeof text !== 'string' || text === '') return [];
    return [{ text: wordsOf(text), regions: [index], kind: 'phrase' as const }];
  });
  return {
    id,
    image: { file, ...(size && { size }) },
    otherFiles: [lastParts(file, 1)],
    regions,
    phrases: [...phrases, ...called],
    conversations: [],
    coverage,
  };
}
