/** PACO-LVIS (facebookresearch/paco): objects, their parts and their colors, annotated in part. */

import { z } from 'zod';
import { commonOptions, pathOption } from '../options.ts';
import { type DraftRegion, type DraftSample, defineReader, type ReaderContext } from '../reader.ts';
import { type CocoAnnotation, type CocoGroup, cocoGroups, detectionRegions, idOf, isRecord } from './coco-like.ts';
import { lastParts, partialFields, partialLabels, wordsOf } from './lvis.ts';

const options = z.strictObject({
  /** `paco_lvis_v1_train.json`, or the file of another part. */
  path: pathOption,
  /** The folder of COCO's images; without it, they are not looked for. */
  images: pathOption.optional(),
  ...commonOptions,
});

/** Objects answer the coarse prompt, parts the fine one; nothing is background. */
export const reader = defineReader({
  format: 'paco',
  version: 1,
  options,
  sources: ({ path, images }) => ({ files: [path], folders: images === undefined ? [] : [images] }),
  imageFolder: ({ images }) => images,
  hasImages: ({ images }) => images !== undefined,
  async *read({ path }, context) {
    const attributes = new Map<string, string>();
    const groups = cocoGroups(path, context, {
      imageFields: partialFields,
      annotationFields: ['obj_ann_id', 'dom_color_ids'],
      namesOf: (name) => [partName(name)],
      others: {
        attributes: (value) => {
          const id = isRecord(value) ? idOf(value.id) : undefined;
          if (id !== undefined) attributes.set(id, String((value as { name?: unknown }).name));
        },
      },
    });
    for await (const group of groups) {
      const draft = pacoDraft(group, attributes, context);
      if (draft !== undefined) yield draft;
    }
  },
});

/** `bench:table_top` in words: `bench table top`. */
function partName(name: string): string {
  return wordsOf(name.replace(':', ' '));
}

function isPart({ categoryId }: CocoAnnotation, { categories }: CocoGroup): boolean {
  const name = categoryId === undefined ? undefined : categories.get(categoryId)?.fields.name;
  return typeof name === 'string' && name.includes(':');
}

function pacoDraft(
  group: CocoGroup,
  attributes: ReadonlyMap<string, string>,
  context: ReaderContext,
): DraftSample | undefined {
  const { id, size, fields } = group.image;
  const file = [fields.file_name, fields.coco_url].find((name) => typeof name === 'string' && name !== '');
  if (typeof file !== 'string') {
    context.report({ kind: 'bad-record', sample: id, value: 'an image without file_name' });
    return undefined;
  }
  const { regions } = detectionRegions(group, context);
  const places = new Map(group.annotations.map((annotation, at) => [annotation.id, at]));
  return {
    id,
    image: { file: lastParts(file, 2), ...(size && { size }) },
    otherFiles: [lastParts(file, 1)],
    regions: regions.map((region, at): DraftRegion => {
      const annotation = group.annotations[at];
      const color = colorOf(annotation, attributes);
      const owner = isPart(annotation, group) ? places.get(idOf(annotation.fields.obj_ann_id) ?? '') : undefined;
      return {
        ...region,
        granularities: [isPart(annotation, group) ? 'fine' : 'coarse'],
        ...(color !== undefined && { attributes: { color } }),
        ...(owner !== undefined && owner !== at && { partOf: owner }),
      };
    }),
    ...partialLabels(group, context),
    conversations: [],
  };
}

/** The dominant color, where there is exactly one. */
function colorOf({ fields }: CocoAnnotation, attributes: ReadonlyMap<string, string>): string | undefined {
  const { dom_color_ids: colors } = fields;
  if (!Array.isArray(colors) || colors.length !== 1) return undefined;
  return attributes.get(idOf(colors[0]) ?? '');
}
