/** Detection and proposals. */

import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Option } from 'commander';
import { ChatRexError } from '../../errors.ts';
import { baselineStyles } from '../../evaluation/baselines/styles.ts';
import { fixedCap, recordsOf, scoreCoco, scoreLvis } from '../../evaluation/suites/detection.ts';
import { type DetectionTruth, detectionIds, readDetectionTruth } from '../../evaluation/suites/detection-files.ts';
import { type NamedAnswers, namedDetections } from '../../evaluation/suites/named-detections.ts';
import {
  defaultMinScore,
  type ProposalAnswers,
  proposalLines,
  scoreProposals,
} from '../../evaluation/suites/proposals.ts';
import { readDetections } from '../../evaluation/suites/read-detections.ts';
import { readAllRecords, readRecords } from '../../evaluation/suites/record-files.ts';
import type { SuiteScore } from '../../evaluation/suites/suite-score.ts';
import { oneLine } from '../one-line.ts';
import { decimal, whole } from '../option-types.ts';
import { progressBar } from '../progress.ts';
import type { ScoreSuite } from './score-suite.ts';

const results =
  'COCO results [{ image_id, category_id, bbox, score }], lines of Rex-Omni (extracted_predictions), or, with --style, words';
const styleOption = new Option('--style <name>', 'whose answers in words these are').choices(
  Object.keys(baselineStyles),
);
const allCategories = new Option(
  '--all-categories',
  'count, in figures without scores, predictions of categories that the image does not have too',
);

const coco: ScoreSuite = {
  name: 'coco',
  description: 'detection by COCO’s rules, and precision and recall without scores',
  answers: results,
  truth: 'instances_val2017.json',
  options: [allCategories, styleOption],
  run: async ({ answers, truth = [], allCategories: hasAllCategories, style }) => {
    const known = await onlyTruth(truth);
    const { notes, ...found } = await detections(answers, known, style as string | undefined);
    return withNotes(scoreCoco(known, found, { hasAllCategories: hasAllCategories === true }), notes);
  },
};

const lvis: ScoreSuite = {
  name: 'lvis',
  description: 'detection by LVIS’s rules: official, or fixed AP',
  answers: results,
  truth: 'lvis_v1_val.json, or the minival file of GLIP (the paper’s)',
  options: [
    new Option('--fixed', 'keep the best detections of a class instead of 300 of an image'),
    new Option('--per-class <n>', 'with --fixed, how many of a class').argParser(whole(1, 2 ** 31)).default(10_000),
    allCategories,
    styleOption,
  ],
  examples: [
    'chatrex score lvis --answers detections.json --truth lvis_v1_val.json',
    'chatrex score lvis --fixed --answers detections.json --truth lvis_v1_minival_inserted_image_name.json',
  ],
  run: async ({ answers, truth = [], fixed, perClass, allCategories: hasAllCategories, style }) => {
    const known = await onlyTruth(truth);
    const cap = fixed === true ? fixedCap(perClass as number) : ({ kind: 'official' } as const);
    const { notes, ...found } = await detections(answers, known, style as string | undefined);
    return withNotes(scoreLvis(known, found, cap, { hasAllCategories: hasAllCategories === true }), notes);
  },
};

const proposals: ScoreSuite = {
  name: 'proposals',
  description: 'boxes without categories: AP, average recall, recall at a score',
  answers: 'lines of chatrex propose --json, or COCO results; one file for each kind',
  truth: 'an annotation file of COCO or LVIS',
  options: [
    new Option('--min-score <score>', 'least score for recallAtScore').argParser(decimal).default(defaultMinScore),
  ],
  run: async ({ answers, truth = [], minScore }) => {
    const known = await onlyTruth(truth);
    const kinds: ProposalAnswers[] = [];
    for (const path of answers) {
      if (await isList(path)) kinds.push(await proposalResults(path, known));
      else kinds.push(...proposalLines(await readRecords(path), known));
    }
    return scoreProposals(known, kinds, minScore as number);
  },
};

/** Whether a file is one JSON list, as results with scores are. */
async function isList(path: string): Promise<boolean> {
  return /^[\uFEFF\s]*\[/.test(await headOf(path));
}

/** A list of objects with a box and a score each; other lists hold what a model named in each image. */
async function isRanked(path: string): Promise<boolean> {
  const head = await headOf(path);
  return /^[\uFEFF\s]*\[/.test(head) && !/"(?:extracted_predictions|annotations)"\s*:/.test(head);
}

const headBytes = 4096;

async function headOf(path: string): Promise<string> {
  const file = await open(path).catch((cause) => {
    throw new ChatRexError('not-found', `${path}: no such file`, { cause });
  });
  try {
    const head = Buffer.alloc(headBytes);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    const bytes = head.subarray(0, bytesRead);
    // Results may be packed; lines are not.
    return bytes[0] === 0x1f && bytes[1] === 0x8b ? '[' : bytes.toString('utf8');
  } finally {
    await file.close();
  }
}

async function proposalResults(path: string, truth: DetectionTruth): Promise<ProposalAnswers> {
  const { columns, unknownImages } = await readDetections(path, { images: detectionIds(truth).images });
  return { kind: basename(path), proposals: recordsOf(truth, columns), unknown: unknownImages };
}

async function onlyTruth(paths: readonly string[]): Promise<DetectionTruth> {
  if (paths.length !== 1) {
    throw new ChatRexError('invalid-argument', `--truth: expected one annotation file, came ${paths.length}`);
  }
  return readWithProgress(paths[0], (onBytes) => readDetectionTruth(paths[0], { onBytes }));
}

/** Files below this are read before one has read the line. */
const progressFromBytes = 64 * 2 ** 20;

/** Reads a file, with a line that says how far it is when the file is large. */
async function readWithProgress<Result>(
  path: string,
  read: (onBytes: (count: number) => void) => Promise<Result>,
): Promise<Result> {
  const size = await stat(path).then(
    (info) => info.size,
    () => 0,
  );
  if (size < progressFromBytes) return read(() => {});
  const megabytes = (bytes: number) => Math.round(bytes / 1e6);
  const bar = progressBar(`reading ${oneLine(basename(path))}, MB`, megabytes(size));
  let done = 0;
  bar.update(0);
  const result = await read((count) => {
    done += count;
    bar.update(megabytes(done));
  });
  bar.end(`${megabytes(size)} MB read`);
  return result;
}

/** @throws ChatRexError 'invalid-file' when nothing is of the truth's images and categories */
async function detections(paths: readonly string[], truth: DetectionTruth, style?: string): Promise<NamedAnswers> {
  const read =
    style !== undefined || !(await isRanked(paths[0])) ? await named(paths, truth, style) : await ranked(paths, truth);
  const left = read.unknownImages + read.unknownCategories;
  if (read.columns.count === 0 && left > 0) {
    const which = `${read.unknownImages} are of unknown images, ${read.unknownCategories} of unknown categories`;
    throw new ChatRexError('invalid-file', `${paths[0]}: no detection fits the truth: ${which}; give its own truth`);
  }
  return read;
}

async function named(paths: readonly string[], truth: DetectionTruth, style?: string): Promise<NamedAnswers> {
  return namedDetections(await readAllRecords(paths), truth, style === undefined ? undefined : baselineStyles[style]);
}

async function ranked(paths: readonly string[], truth: DetectionTruth): Promise<NamedAnswers> {
  if (paths.length !== 1) {
    throw new ChatRexError('invalid-argument', `--answers: expected one results file, came ${paths.length}`);
  }
  const read = (onBytes: (count: number) => void) => readDetections(paths[0], detectionIds(truth), { onBytes });
  return { ...(await readWithProgress(paths[0], read)), notes: [] };
}

const withNotes = (score: SuiteScore, notes: readonly string[]): SuiteScore => ({
  ...score,
  notes: [...notes, ...score.notes],
});

export const detectionSuites: readonly ScoreSuite[] = [coco, lvis, proposals];
