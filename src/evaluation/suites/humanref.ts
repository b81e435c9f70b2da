/**
 * HumanRef (Jiang et al. 2025, arXiv 2503.08507): phrases that mean several people or none. Equal to RexSeek's
 * rexseek/metric/recall_precision_densityf1.py for boxes; where its README and its code differ, the code is followed.
 * Phrases about somebody absent (domain `rejection`) count for `rejection` alone.
 */

import type { BoxXyxy } from '../../boxes/box.ts';
import { groupBy } from '../metrics/group-by.ts';
import { misfit, required } from './answer-fields.ts';
import { boxList } from './box-fields.ts';
import { pairAnswers } from './pair-answers.ts';
import type { RecordFile } from './record-files.ts';
import { boxIou } from './refcoco.ts';
import { type Figures, meanOf, type SuiteScore, shareOf } from './suite-score.ts';

export interface HumanrefPhrase {
  readonly id: string;
  readonly domain: string;
  readonly subdomain: string;
  readonly truthsXyxy: readonly BoxXyxy[];
}

export interface HumanrefAnswer {
  readonly id: string;
  readonly boxesXyxy: readonly BoxXyxy[];
}

/** `annotations.jsonl`: `{ id, domain, sub_domain, answer_boxes, ... }`. */
export function humanrefPhrases(file: RecordFile): HumanrefPhrase[] {
  return file.records.map((record, i) => {
    const truthsXyxy = boxList(record.answer_boxes);
    if (!truthsXyxy) throw misfit(file, i, 'id, domain and answer_boxes (lists of four numbers)', 'humanref');
    return {
      id: required(file, i, 'id', 'humanref'),
      domain: required(file, i, 'domain', 'humanref'),
      subdomain: required(file, i, 'sub_domain', 'humanref'),
      truthsXyxy,
    };
  });
}

/** `{ id, extracted_predictions: [[x0, y0, x1, y1], ...] }`; `[]` and `[[]]` name nobody. */
export function humanrefAnswers(file: RecordFile): HumanrefAnswer[] {
  return file.records.map((record, i) => {
    const boxesXyxy = boxList(record.extracted_predictions);
    if (!boxesXyxy) throw misfit(file, i, 'id and extracted_predictions (lists of four numbers)', 'humanref');
    return { id: required(file, i, 'id', 'humanref'), boxesXyxy };
  });
}

/** 0.5, 0.55 ... 0.95, to the last bit as numpy's arange gives them. */
const thresholds = Array.from({ length: 10 }, (_, i) => 0.5 + i * (0.5 + 0.05 - 0.5));

interface Measured {
  readonly phrase: HumanrefPhrase;
  /** By threshold. */
  readonly precisions: readonly number[];
  readonly recalls: readonly number[];
  readonly densityF1s: readonly number[];
}

/**
 * `precision`, `recall` and `densityF1` are means over IoU .5 to .95 and over the phrases that mean somebody; those at
 * IoU .5 end in 50. `rejection` is the share of the phrases about somebody absent that were answered with no box.
 */
export function scoreHumanref(phrases: readonly HumanrefPhrase[], answers: readonly HumanrefAnswer[]): SuiteScore {
  const idOf = ({ id }: { id: string }) => id;
  const { pairs, counts, notes } = pairAnswers(phrases, answers, idOf, idOf);
  const isRejection = ({ truth }: (typeof pairs)[number]) => truth.domain === 'rejection';
  const measured = pairs.filter((pair) => !isRejection(pair)).map(({ truth, answer }) => measure(truth, answer));
  // A missing answer names nobody, but it rejects nothing either.
  const rejected = pairs.filter(isRejection).map(({ answer }) => answer?.boxesXyxy.length === 0);
  const groups = (keyOf: (phrase: HumanrefPhrase) => string): [string, Figures][] =>
    [...groupBy(measured, ({ phrase }) => keyOf(phrase))].map(([kind, own]) => [kind, means(own)]);
  return {
    suite: 'humanref',
    figures: { ...means(measured), rejection: shareOf(rejected) },
    byKind: Object.fromEntries([
      ...groups(({ domain }) => domain),
      ...groups(({ subdomain }) => subdomain),
      ...groups(({ truthsXyxy }) => `${countRange(truthsXyxy.length)} truths`),
    ]),
    variant: {
      rule: 'RexSeek code: truths take their best free box in turn; DensityF1 = F1 x min(1, truths / answered boxes)',
    },
    counts,
    notes,
  };
}

function measure(phrase: HumanrefPhrase, answer: HumanrefAnswer | undefined): Measured {
  const named = answer?.boxesXyxy ?? [];
  const overlaps = phrase.truthsXyxy.map((truth) => named.map((box) => boxIou(truth, box)));
  const at = thresholds.map((threshold) => {
    const found = countFound(overlaps, named.length, threshold);
    const precision = named.length === 0 ? 0 : found / named.length;
    const recall = phrase.truthsXyxy.length === 0 ? 0 : found / phrase.truthsXyxy.length;
    const f1 = precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
    return { precision, recall, densityF1: f1 * Math.min(1, phrase.truthsXyxy.length / Math.max(1, named.length)) };
  });
  return {
    phrase,
    precisions: at.map(({ precision }) => precision),
    recalls: at.map(({ recall }) => recall),
    densityF1s: at.map(({ densityF1 }) => densityF1),
  };
}

/** How many truths find a box: one after the other, each the best of those that are free. */
function countFound(overlaps: readonly (readonly number[])[], boxes: number, threshold: number): number {
  const isTaken = new Uint8Array(boxes);
  let found = 0;
  for (const row of overlaps) {
    let best = -1;
    row.forEach((value, i) => {
      if (!isTaken[i] && value >= threshold && value > (best < 0 ? 0 : row[best])) best = i;
    });
    if (best < 0) continue;
    isTaken[best] = 1;
    found++;
  }
  return found;
}

function means(measured: readonly Measured[]): Figures {
  const overall = (pick: (item: Measured) => readonly number[]) =>
    meanOf(measured.map((item) => meanOf(pick(item)) ?? 0));
  const at50 = (pick: (item: Measured) => readonly number[]) => meanOf(measured.map((item) => pick(item)[0]));
  return {
    precision: overall(({ precisions }) => precisions),
    recall: overall(({ recalls }) => recalls),
    densityF1: overall(({ densityF1s }) => densityF1s),
    precision50: at50(({ precisions }) => precisions),
    recall50: at50(({ recalls }) => recalls),
    densityF150: at50(({ densityF1s }) => densityF1s),
  };
}

function countRange(count: number): string {
  if (count <= 1) return String(count);
  if (count <= 5) return '2-5';
  return count <= 10 ? '6-10' : 'over 10';
}
