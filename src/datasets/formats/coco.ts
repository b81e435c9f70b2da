/** COCO's instances files, and files of users in that form. */

import { z } from 'zod';
import { commonOptions, pathOption } from '../options.ts';
import { completeCoverage, type DraftSample, defineReader, type ReaderContext } from '../reader.ts';
import { type CocoGroup, cocoGroups, detectionRegions } from './coco-like.ts';

const options = z.strictObject({
  /** The annotation file. */
  path: pathOption,
  /** The folder that file names are relative to; without it, images are not looked for. */
  images: pathOption.optional(),
  ...commonOptions,
});

/** Boxes with names of a closed list; everything without a box is background; crowds are ignored. */
export const reader = defineReader({
  format: 'coco',
  version: 1,
  options,
  sources: ({ path, images }) => ({ files: [path], folders: images === undefined ? [] : [images] }),
  imageFolder: ({ images }) => images,
  hasImages: ({ images }) => images !== undefined,
  async *read({ path }, context) {
    for await (const group of cocoGroups(path, context)) {
      const draft = cocoDraft(group, context);
      if (draft !== undefined) yield draft;
    }
  },
});

function cocoDraft(group: CocoGroup, context: ReaderContext): DraftSample | undefined {
  const { id, size, fields } = group.image;
  const file = fields.file_name;
  if (typeof file !== 'string' || file === '') {
    context.report({ kind: 'bad-record', sample: id, value: 'an image without file_name' });
    return undefined;
  }
  const { regions, areKnown } = detectionRegions(group, context);
  return {
    id,
    image: { file, ...(size && { size }) },
    regions,
    phrases: [],
    conversations: [],
    // A region without a name may be of any category.
    coverage: areKnown ? completeCoverage : { ...completeCoverage, isClosed: false },
  };
}
