/**
 * HumanRef asked (Jiang et al. 2025): phrases about people, each of several, of one, or of nobody. A sample is an image
 * with all its phrases, so that it is looked at once.
 *
 * RexSeek's own script gives its model the boxes of all people in the image, which the annotation has
 * (`candidate_boxes`): the model chooses, and its detector is not measured. By default a model finds its boxes itself,
 * as a user has it; `isGivenCandidates` does as that script.
 */

import { createHash } from 'node:crypto';
import type { BoxXyxy } from '../../boxes/box.ts';
import type { Dataset } from '../../datasets/dataset.ts';
import { loadImage, probeSize } from '../../datasets/image-bytes.ts';
import type { Region, Sample } from '../../datasets/sample.ts';
import { ChatRexError } from '../../errors.ts';
import { maxObjects } from '../../grounding/dialect.ts';
import { groupBy } from '../metrics/group-by.ts';
import type { Row } from '../row.ts';
import type { Detects, FoundBoxes, Refers } from '../subject.ts';
import type { Question, Suite, SuiteFigures } from '../suite.ts';
import { misfit, required } from '../suites/answer-fields.ts';
import { boxList } from '../suites/box-fields.ts';
import { type HumanrefPhrase, humanrefPhrases, scoreHumanref } from '../suites/humanref.ts';
import type { RecordFile } from '../suites/record-files.ts';
import { faultNotes } from './notes.ts';

export const humanrefName = 'humanref';

export interface AskedPhrase extends HumanrefPhrase {
  /** What is asked for. */
  readonly phrase: string;
  readonly image: string;
  /** All people of the image, where the file has them. */
  readonly candidatesXyxy?: readonly BoxXyxy[];
}

export type HumanrefTruth = Omit<AskedPhrase, 'candidatesXyxy' | 'image'>;
export type HumanrefRow = Row<HumanrefTruth, FoundBoxes>;

export interface HumanrefData {
  readonly data: Dataset;
  /** The phrases of each sample. */
  readonly phrases: readonly (readonly AskedPhrase[])[];
}

/**
 * Lines of `annotations.jsonl`: `{ id, image_name, referring, domain, sub_domain, answer_boxes, candidate_boxes }`.
 * @param folder of the images
 * @throws ChatRexError 'invalid-file' for a line without these fields, or for two phrases with one id
 */
export function humanrefDataset(files: readonly RecordFile[], folder: string): HumanrefData {
  const asked = files.flatMap((file) => {
    const phrases = humanrefPhrases(file);
    return phrases.map((phrase, i): AskedPhrase => {
      const candidates = file.records[i].candidate_boxes;
      const candidatesXyxy = candidates === undefined ? undefined : boxList(candidates);
      if (candidates !== undefined && candidatesXyxy === undefined) {
        throw misfit(file, i, 'candidate_boxes as lists of four numbers', humanrefName);
      }
      return {
        ...phrase,
        phrase: required(file, i, 'referring', humanrefName),
        image: required(file, i, 'image_name', humanrefName),
        ...(candidatesXyxy && { candidatesXyxy }),
      };
    });
  });
  const ids = new Set(asked.map(({ id }) => id));
  if (asked.length === 0) throw new ChatRexError('invalid-file', 'humanref: the files have no phrase');
  if (ids.size < asked.length) {
    const message = `humanref: ${asked.length - ids.size} phrases have an id that another one has`;
    throw new ChatRexError('invalid-file', `${message}; give every file once`);
  }
  const images = [...groupBy(asked, ({ image }) => image)];
  const phrases = images.map(([, own]) => own);
  return { data: datasetOf(images, folder), phrases };
}

function datasetOf(images: readonly (readonly [string, readonly AskedPhrase[]])[], folder: string): Dataset {
  const hash = createHash('sha256');
  for (const [image, own] of images) hash.update(JSON.stringify([image, own]));
  const refOf = (index: number) => ({ file: images[index][0] });
  return {
    name: humanrefName,
    fingerprint: hash.digest('hex').slice(0, 32),
    size: images.length,
    vocabulary: [],
    sample: async (index) => sampleOf(...images[index]),
    imageSize: (index) => probeSize(folder, refOf(index)),
    image: (index) => loadImage(folder, refOf(index)),
    conversations: async () => [],
    close: async () => {},
  };
}

function sampleOf(image: string, phrases: readonly AskedPhrase[]): Sample {
  const regions: Region[] = [];
  const meant = phrases.map(({ phrase, truthsXyxy }) => {
    const first = regions.length;
    for (const boxXyxy of truthsXyxy) regions.push({ boxXyxy, granularities: ['coarse'] });
    return { text: phrase, kind: 'referring' as const, regions: truthsXyxy.map((_, i) => first + i) };
  });
  const coverage = { complete: [], isClosed: false };
  return { id: image, image: { file: image }, regions, phrases: meant, conversations: [], coverage };
}

export interface HumanrefSuiteOptions {
  /** Whether the model chooses among the boxes of all people, as RexSeek's script has it. */
  readonly isGivenCandidates?: boolean;
  /** A name that is asked for in the place of every phrase: what a detector finds that understands no phrase. */
  readonly name?: string;
}

/**
 * Asks for the boxes of each phrase.
 * @throws ChatRexError 'invalid-file' with `isGivenCandidates`, for phrases without candidates
 */
export function humanrefSuite(
  { phrases }: HumanrefData,
  { isGivenCandidates = false, name }: HumanrefSuiteOptions = {},
): Suite<Refers & Detects, HumanrefTruth, FoundBoxes> {
  const without = phrases.flat().find(({ candidatesXyxy }) => candidatesXyxy === undefined);
  if (isGivenCandidates && without) {
    throw new ChatRexError(
      'invalid-file',
      `humanref: phrase ${without.id} has no candidate_boxes; leave out --candidates`,
    );
  }
  return {
    name: humanrefName,
    needs: ['images', 'boxes', 'phrases'],
    questions: async (view) =>
      phrases[view.index].map(
        ({ candidatesXyxy, image: _, ...truth }): Question<Refers & Detects, HumanrefTruth, FoundBoxes> => {
          const boxes = isGivenCandidates ? candidatesXyxy?.slice(0, maxObjects) : undefined;
          return {
            key: truth.id,
            truth,
            ask: (subject, signal) =>
              name === undefined
                ? subject.refer(view, truth.phrase, signal, boxes)
                : subject.detect(view, [name], signal),
          };
        },
      ),
    score: scoreHumanrefRows,
  };
}

/** Figures by the rules of `chatrex score humanref`, over the phrases that were asked. */
export function scoreHumanrefRows(rows: readonly HumanrefRow[]): SuiteFigures {
  // A row's own name, since one phrase may be drawn twice.
  const asked = rows.flatMap((row) => (row.truth === undefined ? [] : [{ ...row, truth: row.truth, id: idOf(row) }]));
  const notes = faultNotes(rows);
  const answers = asked.flatMap((row) =>
    'answer' in row ? [{ id: row.id, boxesXyxy: row.answer.boxes.map(({ boxXyxy }) => boxXyxy) }] : [],
  );
  if (answers.length === 0)
    return { figures: {}, byKind: {}, variant: {}, notes: [...notes, 'no phrase has an answer'] };
  const phrases = asked.map(({ truth, id }) => ({ ...truth, id }));
  const { figures, byKind, variant } = scoreHumanref(phrases, answers);
  return { figures, byKind, variant, notes };
}

const idOf = ({ sample, question }: HumanrefRow): string => JSON.stringify([sample, question]);
