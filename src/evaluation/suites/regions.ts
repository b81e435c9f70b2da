/**
 * Category of given boxes (table 5, Yuan et al. 2024, Osprey): LVIS and PACO, what the model calls a region against its
 * name. `semanticSimilarity` is the cosine of all-MiniLM-L6-v2, `semanticIou` the overlap of the sets of words in small
 * letters. Agrees with Osprey's osprey/eval/lvis_paco_eval.py, which puts the names into the encoder as they are
 * written (the encoder itself makes letters small); VisionLLM v2 makes them small first, which comes to the same with
 * this encoder.
 */

import { groupBy } from '../metrics/group-by.ts';
import { idOf, misfit, required, textOf } from './answer-fields.ts';
import { pairAnswers } from './pair-answers.ts';
import type { RecordFile } from './record-files.ts';
import { counted, meanOf, type SuiteScore, shareOf } from './suite-score.ts';

export interface RegionName {
  /** Image and place of the region in it: `285 0`. */
  readonly id: string;
  readonly category: string;
  /** The file of the truth, when there are several (LVIS, PACO). */
  readonly set: string;
}

export interface RegionText {
  readonly id: string;
  readonly text: string;
}

/** Vectors of length 1. */
export type EncodeTexts = (texts: readonly string[]) => Promise<readonly Float32Array[]>;

/** `lvis_val_1k_category.json`: `{ id, file_name, categories: [...], annotations: [...] }`, one entry an image. */
export function regionNames(file: RecordFile): RegionName[] {
  const set =
    file.path
      .split(/[\\/]/)
      .at(-1)
      ?.replace(/\.[^.]*$/, '') ?? file.path;
  return file.records.flatMap((record, i) => {
    const { categories } = record;
    if (!Array.isArray(categories)) throw misfit(file, i, 'id and categories (a list of names)', 'regions');
    const image = idOf(record) ?? required(file, i, 'file_name', 'regions');
    return categories.map((name, at) => ({ id: `${image} ${at}`, category: cleanCategory(String(name)), set }));
  });
}

/**
 * Answers by region: `{ id, index, prediction }`, or by image: `{ id, predictions: [...] }` in the order of its
 * regions. Osprey's script prints its answers and keeps no file.
 */
export function regionTexts(file: RecordFile): RegionText[] {
  return file.records.flatMap((record, i) => {
    const image = idOf(record) ?? textOf(record, ['file_name', 'image']);
    const wanted = 'the image’s id with predictions (a list), or with index and prediction';
    if (image === undefined) throw misfit(file, i, wanted, 'regions');
    const { predictions, index } = record;
    if (Array.isArray(predictions))
      return predictions.map((text, at) => ({ id: `${image} ${at}`, text: String(text ?? '') }));
    const text = textOf(record);
    // `index` names the image in tables; here it is the place of the region beside an id.
    const place = record.region_index ?? index;
    if (text === undefined || (typeof place !== 'number' && typeof place !== 'string'))
      throw misfit(file, i, wanted, 'regions');
    return [{ id: `${image} ${place}`, text }];
  });
}

/** Underscores and colons become spaces; parentheses stay. */
export const cleanCategory = (name: string): string => name.replaceAll('_', ' ').replaceAll(':', ' ');

/** What follows a colon, if there is one, without full stops and commas. */
export function cleanPrediction(text: string): string {
  const trimmed = text.trim();
  const named = trimmed.includes(':') ? trimmed.split(':')[1] : trimmed;
  return named.replace(/[.:,]/g, ' ');
}

/** Shared words over all words, small letters. */
export function wordIou(a: string, b: string): number {
  const words = (text: string) => new Set(text.toLowerCase().split(/\s+/u).filter(Boolean));
  const [ofA, ofB] = [words(a), words(b)];
  const shared = [...ofA].filter((word) => ofB.has(word)).length;
  const all = ofA.size + ofB.size - shared;
  return all === 0 ? 0 : shared / all;
}

/**
 * `exact` is the share of equal names, whatever their case. A missing answer has similarity and overlap 0.
 * @param encode the sentence encoder; without it `semanticSimilarity` is null
 */
export async function scoreRegions(
  names: readonly RegionName[],
  texts: readonly RegionText[],
  encode?: EncodeTexts,
): Promise<SuiteScore> {
  const idOfRegion = ({ id }: { id: string }) => id;
  const { pairs, counts, notes } = pairAnswers(names, texts, idOfRegion, idOfRegion);
  const predictions = pairs.map(({ answer }) => (answer ? cleanPrediction(answer.text) : undefined));
  const similarities = encode ? await similaritiesOf(pairs, predictions, encode) : undefined;
  const measured = pairs.map(({ truth }, i) => {
    const prediction = predictions[i];
    return {
      set: truth.set,
      similarity: similarities?.[i] ?? null,
      iou: prediction === undefined ? 0 : wordIou(prediction, truth.category),
      isExact: prediction !== undefined && sameName(prediction, truth.category),
    };
  });
  const figuresOf = (own: typeof measured) => ({
    semanticSimilarity: similarities ? meanOf(own.map(({ similarity }) => similarity ?? 0)) : null,
    semanticIou: meanOf(own.map(({ iou }) => iou)),
    exact: shareOf(own.map(({ isExact }) => isExact)),
  });
  const sets = groupBy(measured, ({ set }) => set);
  const empty = predictions.filter((text) => text !== undefined && text.trim() === '').length;
  return {
    suite: 'regions',
    figures: figuresOf(measured),
    byKind: sets.size > 1 ? Object.fromEntries([...sets].map(([set, own]) => [set, figuresOf(own)])) : {},
    variant: {
      semanticSimilarity: encode
        ? 'cosine of the sentence encoder (Osprey)'
        : 'not measured: it needs --encoder FOLDER',
      semanticIou: 'sets of words in small letters (Osprey)',
    },
    counts,
    notes: [...notes, ...(empty > 0 ? [`${counted(empty, 'empty answer')}`] : [])],
  };
}

async function similaritiesOf(
  pairs: readonly { readonly truth: RegionName }[],
  predictions: readonly (string | undefined)[],
  encode: EncodeTexts,
): Promise<number[]> {
  const texts = [
    ...new Set([...pairs.map(({ truth }) => truth.category), ...predictions.flatMap((text) => text ?? [])]),
  ];
  const vectors = await encode(texts);
  const vectorOf = new Map(texts.map((text, i) => [text, vectors[i]]));
  return pairs.map(({ truth }, i) => {
    const prediction = predictions[i];
    const [a, b] = [vectorOf.get(truth.category), prediction === undefined ? undefined : vectorOf.get(prediction)];
    return a && b ? a.reduce((sum, value, at) => sum + value * b[at], 0) : 0;
  });
}

const sameName = (a: string, b: string): boolean => canonical(a) === canonical(b);
const canonical = (text: string): string => text.toLowerCase().trim().replace(/\s+/gu, ' ');
