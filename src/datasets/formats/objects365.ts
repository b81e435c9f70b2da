/** Objects365, version 1 and 2 (objects365.org): COCO-like, 365 names, images in patches. */

import { z } from 'zod';
import { commonOptions, pathOption } from '../options.ts';
import { completeCoverage, type DraftSample, defineReader, type ReaderContext } from '../reader.ts';
import { type CocoGroup, cocoGroups, detectionRegions } from './coco-like.ts';
import { lastParts } from './lvis.ts';

const options = z.strictObject({
  /** `zhiyuan_objv2_train.json`, or the file of another part. */
  path: pathOption,
  /** The folder that holds `patch0`, `patch1` ...; without it, images are not looked for. */
  images: pathOption.optional(),
  ...commonOptions,
});

/** Boxes with names of a closed list; everything without a box is background; crowds are ignored. */
export const reader = defineReader({
  format: 'objects365',
  version: 1,
  options,
  sources: ({ path, images }) => ({ files: [path], folders: images === undefined ? [] : [images] }),
  imageFolder: ({ images }) => images,
  hasImages: ({ images }) => images !== undefined,
  async *read({ path }, context) {
    for await (const group of cocoGroups(path, context, { namesOf })) {
      const draft = objects365Draft(group, context);
      if (draft !== undefined) yield draft;
    }
  },
});

/** Names that the files misspell, and those that say something else than what their boxes show. */
const corrections: Readonly<Record<string, string>> = {
  bakset: 'basket',
  ballon: 'balloon',
  billards: 'billiards',
  buttefly: 'butterfly',
  campel: 'camel',
  'computer box': 'computer case',
  'dinning table': 'dining table',
  'extention cord': 'extension cord',
  extractor: 'range hood',
  'formula 1': 'formula 1 car',
  french: 'french horn',
  hamimelon: 'hami melon',
  'head phone': 'headphones',
  'hotair ballon': 'hot air balloon',
  'kiwi fruit': 'kiwi',
  'machinery vehicle': 'construction vehicle',
  'moniter/tv': 'monitor/tv',
  mushroon: 'mushroom',
  noddles: 'noodles',
  'other balls': 'ball',
  'other fish': 'fish',
  'other shoes': 'shoe',
  skiboard: 'skis',
  soccer: 'soccer ball',
  'table teniis paddle': 'table tennis paddle',
  'table tennis': 'table tennis ball',
  'tape measur/ ruler': 'tape measure/ruler',
  'tea pot': 'teapot',
  tennis: 'tennis ball',
  tong: 'tongs',
  'trash bin can': 'trash can',
};

/**
 * A name of the file as a name and its alternatives, in lower case: `Moniter/TV` is `monitor`, or `tv`.
 * @example namesOf('Cigar/Cigarette ') // ['cigar', 'cigarette']
 */
export function namesOf(name: string): string[] {
  const words = name.trim().toLowerCase().replaceAll(/\s+/g, ' ');
  return (corrections[words] ?? words).split('/').map((part) => part.trim());
}

function objects365Draft(group: CocoGroup, context: ReaderContext): DraftSample | undefined {
  const { id, size, fields } = group.image;
  const name = fields.file_name;
  if (typeof name !== 'string' || name === '') {
    context.report({ kind: 'bad-record', sample: id, value: 'an image without file_name' });
    return undefined;
  }
  const { regions, areKnown } = detectionRegions(group, context);
  return {
    id,
    // `images/v1/patch8/x.jpg` in the file lies as `patch8/x.jpg` on every disk.
    image: { file: lastParts(name, 2), ...(size && { size }) },
    otherFiles: [name, lastParts(name, 1)],
    regions,
    phrases: [],
    conversations: [],
    coverage: areKnown ? completeCoverage : { ...completeCoverage, isClosed: false },
  };
}
