/**
 * VCR (visualcommonsense.com): questions, answers and reasons as lists of words, where a list of numbers names objects,
 * counted from 0. The `*_orig` texts count from 1 and are not used.
 */

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { GroundedText } from '../../grounding/grounded-text.ts';
import { imagePath } from '../image-bytes.ts';
import { jsonLines } from '../json/lines.ts';
import { commonOptions, pathOption } from '../options.ts';
import { type DraftRegion, type DraftSample, defineReader, openCoverage, type ReaderContext } from '../reader.ts';
import type { Turn } from '../sample.ts';
import { idOf, isRecord, sizeOf } from './coco-like.ts';

const options = z.strictObject({
  /** `train.jsonl` or `val.jsonl`. */
  path: pathOption,
  /** The folder `vcr1images`, which holds images and their boxes. */
  images: pathOption,
  ...commonOptions,
});

/** Boxes of a detector, with its names and scores; nothing is background. */
export const reader = defineReader({
  format: 'vcr',
  version: 1,
  options,
  sources: ({ path, images }) => ({ files: [path], folders: [images] }),
  imageFolder: ({ images }) => images,
  hasImages: () => true,
  async *read({ path, images }, context) {
    const root = context.resolve(images);
    const names = new Set<string>();
    for await (const { value, place } of jsonLines(path, context)) {
      const draft = await vcrDraft(value, place, root, context);
      if (draft === undefined) continue;
      for (const { category } of draft.regions) if (category !== undefined) names.add(category);
      yield draft;
    }
    context.setVocabulary([...names].sort().map((name) => ({ name })));
  },
});

async function vcrDraft(
  value: unknown,
  place: string,
  root: string,
  { report }: ReaderContext,
): Promise<DraftSample | undefined> {
  const refuse = (problem: string) => void report({ kind: 'bad-record', source: place, value: problem });
  if (!isRecord(value)) return refuse('expected an object');
  const { objects, img_fn: file, metadata_fn: metadataFile } = value;
  const id = idOf(value.annot_id);
  if (id === undefined || typeof file !== 'string' || typeof metadataFile !== 'string' || !isTextList(objects)) {
    return refuse('expected annot_id, img_fn, metadata_fn and objects');
  }
  const metadata = await readMetadata(imagePath(root, metadataFile));
  if (typeof metadata === 'string') return refuse(metadata);
  if (metadata.boxes.length !== objects.length) {
    return refuse(`${objects.length} objects, ${metadata.boxes.length} boxes in ${metadataFile}`);
  }
  const turns = vcrTurns(value, objects);
  if (typeof turns === 'string') return refuse(turns);
  return {
    id,
    image: { file, ...(metadata.size && { size: metadata.size }) },
    regions: objects.map((category, at): DraftRegion => vcrRegion(category, metadata.boxes[at], at)),
    phrases: [],
    conversations: [{ task: 'conversation', turns }],
    coverage: openCoverage,
  };
}

function vcrRegion(category: string, box: unknown, index: number): DraftRegion {
  const [left, top, right, bottom, score] = Array.isArray(box) ? box : [];
  return {
    boxXyxy: [left, top, right, bottom],
    category,
    granularities: ['coarse'],
    ...(typeof score === 'number' && score >= 0 && score <= 1 && { score }),
    sourceId: String(index),
  };
}

const isTextList = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((text) => typeof text === 'string');

async function readMetadata(file: string) {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    return `${file} cannot be read as JSON: ${(error as Error).message.split('\n')[0]}`;
  }
  if (!isRecord(value) || !Array.isArray(value.boxes)) return `${file} has no boxes`;
  return { boxes: value.boxes as unknown[], size: sizeOf(value.width, value.height) };
}

/** The question with its right answer, and the reason for it; test files have neither label. */
function vcrTurns(value: Record<string, unknown>, objects: readonly string[]): Turn[] | string {
  const question = wordsOf(value.question, objects, false);
  const answer = chosen(value.answer_choices, value.answer_label, objects);
  const reason = chosen(value.rationale_choices, value.rationale_label, objects);
  if (question === undefined) return 'question is not a list of words and object indices';
  if (answer === undefined) return 'there is no right answer: answer_label or answer_choices is missing or wrong';
  const why: Turn[] = reason === undefined ? [] : [{ question: [{ kind: 'text', text: 'Why?' }], answer: reason }];
  return [{ question, answer }, ...why];
}

function chosen(choices: unknown, label: unknown, objects: readonly string[]): GroundedText | undefined {
  if (!Array.isArray(choices) || !Number.isInteger(label)) return undefined;
  return wordsOf(choices[label as number], objects, true);
}

/** No space before these, and none after an opening bracket or quote. */
const closing = /^(?:[.,!?;:%)\]}]|n't$|'\w{0,2}$)/;

/** A list of words and object indices; undefined where it is something else or names an object that is not there. */
function wordsOf(tokens: unknown, objects: readonly string[], isAnswer: boolean): GroundedText | undefined {
  if (!Array.isArray(tokens)) return undefined;
  const spans: GroundedText = [];
  let text = '';
  for (const token of tokens) {
    if (typeof token === 'string') {
      text += text === '' && spans.length === 0 ? token : closing.test(token) ? token : ` ${token}`;
      continue;
    }
    if (!Array.isArray(token) || !token.every((at) => Number.isInteger(at) && objects[at] !== undefined))
      return undefined;
    if (text !== '' || spans.length > 0) spans.push({ kind: 'text', text: `${text} ` });
    text = '';
    // An answer is read by people: there objects need words.
    const words = isAnswer ? token.map((at: number) => objects[at]).join(' and ') : '';
    spans.push({ kind: 'phrase', text: words, objects: token as number[] });
  }
  if (text !== '') spans.push({ kind: 'text', text });
  return spans;
}
