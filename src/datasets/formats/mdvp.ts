/**
 * MDVP-Data (AFeng-x/Draw-and-Understand): conversations about boxes or points, named `<Region 1>` or `<Mark 1>`, and
 * the files of its benchmark.
 */

import { z } from 'zod';
import { jsonRecords } from '../json/lines.ts';
import { commonOptions, pathOption } from '../options.ts';
import { type DraftRegion, type DraftSample, defineReader, openCoverage } from '../reader.ts';
import { groundedText, llavaMessages, type Message, turnsOf } from '../region-text.ts';
import { idOf, isRecord, sizeOf } from './coco-like.ts';

const options = z.strictObject({
  /** A JSON array or JSON Lines. */
  path: pathOption,
  /** The folder that image names are relative to; without it, images are not looked for. */
  images: pathOption.optional(),
  ...commonOptions,
});

/** Boxes without names and conversations about them; nothing is background. What is said of points is left out. */
export const reader = defineReader({
  format: 'mdvp',
  version: 1,
  options,
  sources: ({ path, images }) => ({ files: [path], folders: images === undefined ? [] : [images] }),
  imageFolder: ({ images }) => images,
  hasImages: ({ images }) => images !== undefined,
  async *read({ path }, context) {
    let index = 0;
    for await (const { value, place } of jsonRecords(path, context)) {
      const draft = mdvpDraft(value, index++);
      if (typeof draft === 'string') context.report({ kind: 'bad-record', source: place, value: draft });
      else yield draft;
    }
  },
});

const tokenPattern = /<\s*(?:Region|Mark|Box)\s*(\d+)\s*>/gi;

function mdvpDraft(value: unknown, index: number): DraftSample | string {
  if (!isRecord(value)) return 'expected an object';
  const name = value.image ?? value.image_name;
  if (typeof name !== 'string' || name === '') return 'expected image';
  const messages = messagesOf(value);
  if (typeof messages === 'string') return messages;
  if (value.bbox === undefined && Array.isArray(value.points)) return 'points alone: a point is not a region here';
  if (!Array.isArray(value.bbox)) return 'expected bbox';
  // One box may be written without the outer list.
  const boxes: unknown[] = value.bbox.every((side) => typeof side === 'number') ? [value.bbox] : value.bbox;
  const turns = turnsOf(messages, (text, role) =>
    groundedText(text, tokenPattern, ([, number]) => {
      const at = Number(number) - 1;
      return at >= 0 && at < boxes.length
        ? { objects: [at], text: role === 'user' ? '' : `region ${number}` }
        : undefined;
    }),
  );
  if (typeof turns === 'string') return turns;
  const size = sizeOf(value.width, value.height);
  const id = idOf(value.id ?? value.question_id);
  return {
    id: id === undefined ? String(index) : `${index}-${id}`,
    image: { file: name, ...(size && { size }) },
    otherFiles: name.includes('/') ? [name.slice(name.lastIndexOf('/') + 1)] : [],
    regions: boxes.map(
      (box, at): DraftRegion => ({ boxXywh: box ?? null, granularities: ['coarse'], sourceId: `region${at + 1}` }),
    ),
    phrases: [],
    conversations: [{ task: 'conversation', turns }],
    coverage: openCoverage,
  };
}

/** Training files have conversations; those of the benchmark a question and its answer. */
function messagesOf(value: Record<string, unknown>): Message[] | string {
  if (value.conversations !== undefined) return llavaMessages(value.conversations);
  const { question, gt_answers: answer } = value;
  if (typeof question !== 'string' || typeof answer !== 'string') return 'expected conversations';
  return [
    { role: 'user', text: question },
    // `Region 1: a cup` without brackets, one a line.
    { role: 'assistant', text: answer.replaceAll(/^Region (\d+)(?=\s*:)/gim, '<Region $1>') },
  ];
}
