/**
 * Conversations about whole images in LLaVA's form: LLaVA-1.5's mix665k, ALLaVA-4V, and their many relatives. Rows
 * without an image are text alone.
 */

import { z } from 'zod';
import { jsonRecords } from '../json/lines.ts';
import { commonOptions, flagOption, pathOption } from '../options.ts';
import { type DraftSample, defineReader, openCoverage } from '../reader.ts';
import { llavaMessages, plainText, turnsOf } from '../region-text.ts';
import { idOf, isRecord } from './coco-like.ts';

const options = z.strictObject({
  /** A JSON array or JSON Lines. */
  path: pathOption,
  /** The folder that image names are relative to; without it, images are not looked for. */
  images: pathOption.optional(),
  /** Whether rows that are text alone are kept. */
  text: flagOption.default(true),
  ...commonOptions,
});

/** Conversations without regions. Boxes that are written as numbers stay text. */
export const reader = defineReader({
  format: 'llava',
  version: 1,
  options,
  sources: ({ path, images }) => ({ files: [path], folders: images === undefined ? [] : [images] }),
  imageFolder: ({ images }) => images,
  hasImages: ({ images }) => images !== undefined,
  async *read({ path, text }, context) {
    let index = 0;
    for await (const { value, place } of jsonRecords(path, context)) {
      const draft = llavaDraft(value, index++);
      if (typeof draft === 'string') context.report({ kind: 'bad-record', source: place, value: draft });
      else if (draft.image !== undefined || text) yield draft;
    }
  },
});

/** Ids repeat in mix665k, one for each conversation about an image; the place makes them differ. */
function llavaDraft(value: unknown, index: number): DraftSample | string {
  if (!isRecord(value)) return 'expected an object';
  const messages = llavaMessages(value.conversations);
  if (typeof messages === 'string') return messages;
  const turns = turnsOf(messages, plainText);
  if (typeof turns === 'string') return turns;
  const { image } = value;
  if (image !== undefined && image !== null && (typeof image !== 'string' || image === ''))
    return 'image is not a name';
  const id = idOf(value.id);
  return {
    id: id === undefined ? String(index) : `${index}-${id}`,
    ...(typeof image === 'string' && { image: { file: image }, otherFiles: otherNames(image) }),
    regions: [],
    phrases: [],
    conversations: [{ task: 'conversation', turns }],
    coverage: openCoverage,
  };
}

/** OCR-VQA's images are .jpg on disk whatever the file says; ALLaVA's names begin with the folder of its part. */
function otherNames(image: string): string[] {
  const asJpeg = image.replace(/\.(gif|png|jpeg|webp)$/i, '.jpg');
  const withoutPart = image.replace(/^allava_(laion|vflan)\//, '');
  return [asJpeg, withoutPart].filter((name) => name !== image);
}
