/** CrowdHuman (crowdhuman.org): people in crowds, a JSON object a line. */

import { z } from 'zod';
import { jsonLines } from '../json/lines.ts';
import { commonOptions, pathOption } from '../options.ts';
import { completeCoverage, type DraftRegion, type DraftSample, defineReader } from '../reader.ts';
import { idOf, isRecord } from './coco-like.ts';

const options = z.strictObject({
  /** `annotation_train.odgt` or `annotation_val.odgt`. */
  path: pathOption,
  /** The folder of images, where sizes are read; without it, boxes are clipped at zero alone. */
  images: pathOption.optional(),
  /**
   * Which boxes: of the full body, which reaches behind others and out of the image, of what is visible, of the head.
   */
  box: z.enum(['full', 'visible', 'head']).default('full'),
  ...commonOptions,
});

const fields = { full: 'fbox', visible: 'vbox', head: 'hbox' } as const;

/** Boxes of people; everything without a box is background; what is marked as a mask or to be ignored is ignored. */
export const reader = defineReader({
  format: 'crowdhuman',
  version: 1,
  options,
  sources: ({ path, images }) => ({ files: [path], folders: images === undefined ? [] : [images] }),
  imageFolder: ({ images }) => images,
  hasImages: ({ images }) => images !== undefined,
  async *read({ path, box }, context) {
    const category = box === 'head' ? 'head' : 'person';
    context.setVocabulary([{ name: category }]);
    for await (const { value, place } of jsonLines(path, context)) {
      const draft = crowdHumanDraft(value, fields[box], category);
      if (draft !== undefined) yield draft;
      else context.report({ kind: 'bad-record', source: place, value: 'expected ID and gtboxes' });
    }
  },
});

function crowdHumanDraft(value: unknown, field: string, category: string): DraftSample | undefined {
  const { ID: given, gtboxes } = isRecord(value) ? value : {};
  const id = idOf(given);
  if (id === undefined || !Array.isArray(gtboxes)) return undefined;
  const regions = gtboxes.flatMap((box, at): DraftRegion[] => {
    if (!isRecord(box)) return [{ boxXywh: box ?? null, granularities: ['coarse'], sourceId: `#${at}` }];
    const { tag, extra, head_attr: head } = box;
    const isIgnored = tag === 'mask' || isMarked(extra) || (field === 'hbox' && isMarked(head));
    // Masks have neither head nor visible part of their own.
    const given = box[field] ?? (tag === 'mask' ? box.fbox : undefined);
    return [
      {
        boxXywh: given ?? null,
        category,
        granularities: ['coarse'],
        ...(isIgnored && { isIgnored }),
        sourceId: idOf(isRecord(extra) ? extra.box_id : undefined) ?? `#${at}`,
      },
    ];
  });
  return {
    id,
    image: { file: `${id}.jpg` },
    regions,
    mayReachOut: field === 'fbox',
    phrases: [],
    conversations: [],
    coverage: completeCoverage,
  };
}

const isMarked = (flags: unknown): boolean => isRecord(flags) && Number(flags.ignore ?? 0) !== 0;
