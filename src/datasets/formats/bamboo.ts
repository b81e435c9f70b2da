/**
 * Bamboo (ZhangYuanhan-AI/Bamboo): COCO-like annotations whose category ids are those of a label file with `id2name`,
 * `id2desc`, `father2child` and `child2father`. The files are given on request; this reader follows their description.
 */

import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { ChatRexError } from '../../errors.ts';
import { JsonSyntaxError, parseJson } from '../json/parse.ts';
import { commonOptions, pathOption } from '../options.ts';
import { defineReader, openCoverage } from '../reader.ts';
import { type CocoCategory, cocoGroups, detectionRegions, isRecord } from './coco-like.ts';
import { wordsOf } from './lvis.ts';

const options = z.strictObject({
  /** The annotation file. */
  path: pathOption,
  /** The label file. */
  labels: pathOption,
  /** The folder of images; without it, they are not looked for. */
  images: pathOption.optional(),
  ...commonOptions,
});

/** A hundred thousand categories with descriptions are some 50 MB. */
const maxLabelBytes = 2 ** 28;

/** Boxes with names of an open list; nothing is background. */
export const reader = defineReader({
  format: 'bamboo',
  version: 1,
  options,
  sources: ({ path, labels, images }) => ({ files: [path, labels], folders: images === undefined ? [] : [images] }),
  imageFolder: ({ images }) => images,
  hasImages: ({ images }) => images !== undefined,
  async *read({ path, labels }, context) {
    const categories = await readLabels(context.resolve(labels));
    for await (const group of cocoGroups(path, context, { categories })) {
      const { id, size, fields } = group.image;
      if (typeof fields.file_name !== 'string' || fields.file_name === '') {
        context.report({ kind: 'bad-record', sample: id, value: 'an image without file_name' });
        continue;
      }
      yield {
        id,
        image: { file: fields.file_name, ...(size && { size }) },
        regions: detectionRegions(group, context).regions,
        phrases: [],
        conversations: [],
        coverage: openCoverage,
      };
    }
  },
});

async function readLabels(file: string): Promise<Map<string, CocoCategory>> {
  const size = (await stat(file).catch(() => undefined))?.size;
  if (size === undefined) throw new ChatRexError('not-found', `${file} does not exist: check labels=FILE`);
  if (size > maxLabelBytes) throw new ChatRexError('limit-exceeded', `${file} has ${size} bytes: not a label file`);
  let value: unknown;
  try {
    value = parseJson((await readFile(file, 'utf8')).replace(/^\uFEFF/, ''));
  } catch (cause) {
    if (!(cause instanceof JsonSyntaxError)) throw cause;
    throw new ChatRexError('invalid-file', `${file}: not JSON: ${cause.message}`, { cause });
  }
  const names = isRecord(value) ? value.id2name : undefined;
  if (!isRecord(names)) throw new ChatRexError('invalid-file', `${file}: expected an object id2name, found none`);
  const categories = new Map<string, CocoCategory>();
  for (const [id, given] of Object.entries(names)) {
    const texts = (Array.isArray(given) ? given : [given]).filter((name) => typeof name === 'string').map(wordsOf);
    if (texts.length > 0) categories.set(id, { id, name: texts[0], alternatives: texts.slice(1), fields: {} });
  }
  return categories;
}
