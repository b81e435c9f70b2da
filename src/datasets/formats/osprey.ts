/**
 * Osprey-724K (CircleRadon/Osprey): regions as masks, and conversations and descriptions that name them `<region1>`.
 */

import { z } from 'zod';
import { jsonRecords } from '../json/lines.ts';
import { maskBounds, runLengths } from '../mask-bounds.ts';
import { commonOptions, pathOption } from '../options.ts';
import { type DraftRegion, type DraftSample, defineReader, openCoverage } from '../reader.ts';
import { groundedText, llavaMessages, turnsOf } from '../region-text.ts';
import type { Conversation, Phrase } from '../sample.ts';
import { idOf, isRecord, sizeOf } from './coco-like.ts';

const options = z.strictObject({
  /** `osprey_conversation.json`, or another of the five files. */
  path: pathOption,
  /** The folder of images; without it, they are not looked for. */
  images: pathOption.optional(),
  /** Put behind every question; the authors ask for a single word or phrase with two of the files. */
  suffix: z.string().default(''),
  ...commonOptions,
});

/** Boxes around masks, without names; nothing is background. */
export const reader = defineReader({
  format: 'osprey',
  version: 1,
  options,
  sources: ({ path, images }) => ({ files: [path], folders: images === undefined ? [] : [images] }),
  imageFolder: ({ images }) => images,
  hasImages: ({ images }) => images !== undefined,
  async *read({ path, suffix }, context) {
    let index = 0;
    for await (const { value, place } of jsonRecords(path, context)) {
      const draft = ospreyDraft(value, index++, suffix);
      if (typeof draft === 'string') context.report({ kind: 'bad-record', source: place, value: draft });
      else yield draft;
    }
  },
});

const tokenPattern = /<region(\d+)>/g;

function ospreyDraft(value: unknown, index: number, suffix: string): DraftSample | string {
  const { file_name: name, annotation, height, width, id: given } = isRecord(value) ? value : {};
  if (!isRecord(value) || typeof name !== 'string' || name === '') return 'expected file_name';
  if (!Array.isArray(annotation)) return 'expected a list of annotations';
  const regions = annotation.map(ospreyRegion);
  const conversations = conversationsOf(value.conversations, regions.length, suffix);
  if (typeof conversations === 'string') return conversations;
  const size = sizeOf(width, height);
  // COCO_train2014_000000000009.jpg is 000000000009.jpg of 2017.
  const file = name.slice(name.lastIndexOf('_') + 1);
  const id = idOf(given);
  return {
    id: id === undefined ? String(index) : `${index}-${id}`,
    image: { file, ...(size && { size }) },
    otherFiles: [name, `train2017/${file}`, `train2014/${name}`],
    regions,
    phrases: descriptionsOf(value.description, regions.length),
    conversations,
    coverage: openCoverage,
  };
}

function ospreyRegion(annotation: unknown, index: number): DraftRegion {
  const { bbox, segmentation, area } = isRecord(annotation) ? annotation : {};
  const bounds = maskBounds(segmentation);
  const areaPixels = typeof area === 'number' && area >= 0 ? area : runLengths(segmentation)?.areaPixels;
  return {
    // The mask is what the words are about; some files have boxes of another copy of the image.
    ...(bounds !== undefined ? { boxXyxy: bounds } : { boxXywh: bbox ?? 'neither mask nor bbox' }),
    granularities: ['coarse'],
    ...(areaPixels !== undefined && { areaPixels }),
    sourceId: `region${index + 1}`,
  };
}

function conversationsOf(value: unknown, count: number, suffix: string): Conversation[] | string {
  if (value === undefined || value === null) return [];
  const messages = llavaMessages(value);
  if (typeof messages === 'string') return messages;
  const turns = turnsOf(messages, (text, role) =>
    groundedText(role === 'user' ? text + suffix : text, tokenPattern, ([, number]) => {
      const at = Number(number) - 1;
      // An answer is read by people: there a region needs words.
      return at >= 0 && at < count ? { objects: [at], text: role === 'user' ? '' : `region ${number}` } : undefined;
    }),
  );
  return typeof turns === 'string' ? turns : [{ task: 'conversation', turns }];
}

/** `<region1>: a red cup on the table.` */
function descriptionsOf(value: unknown, count: number): Phrase[] {
  const texts = Array.isArray(value) ? value : [value];
  return texts.flatMap((text): Phrase[] => {
    if (typeof text !== 'string') return [];
    const [, number, words] = /^\s*<region(\d+)>\s*:?\s*([\s\S]*)$/.exec(text) ?? [];
    const at = Number(number) - 1;
    if (!(at >= 0 && at < count) || words.trim() === '') return [];
    return [{ text: words.trim(), regions: [at], kind: 'description' }];
  });
}
