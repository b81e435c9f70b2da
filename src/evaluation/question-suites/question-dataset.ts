/** Questions in words as a data set: one sample each, with its image. */

import { createHash } from 'node:crypto';
import type { Dataset } from '../../datasets/dataset.ts';
import { loadImage } from '../../datasets/image-bytes.ts';
import type { Sample } from '../../datasets/sample.ts';
import { ChatRexError } from '../../errors.ts';
import { decodeImage } from '../../image/decode.ts';
import type { RgbImage } from '../../image/rgb-image.ts';
import { faultNotes } from '../data-suites/notes.ts';
import type { Row } from '../row.ts';
import type { Answers } from '../subject.ts';
import type { Suite, SuiteFigures } from '../suite.ts';
import type { RawRecord, RecordFile } from '../suites/record-files.ts';
import { counted } from '../suites/suite-score.ts';
import type { AskedSuite, QuestionImage, WordQuestion } from './question.ts';

/**
 * @param folder where images that are files lie
 * @throws ChatRexError 'invalid-file' without questions, or with two of one id
 */
export function questionDataset(name: string, questions: readonly WordQuestion[], folder: string): Dataset {
  if (questions.length === 0) {
    throw new ChatRexError('invalid-file', `${name}: the files have no question; give those of the suite as --truth`);
  }
  const ids = new Set(questions.map(({ id }) => id));
  if (ids.size < questions.length) {
    const message = `${name}: ${questions.length - ids.size} questions have an id that another one has`;
    throw new ChatRexError('invalid-file', `${message}; give every file once`);
  }
  const hash = createHash('sha256');
  for (const { id, prompt } of questions) hash.update(JSON.stringify([id, prompt]));
  const image = (index: number) => questionImage(questions[index].images[0], folder);
  return {
    name,
    fingerprint: hash.digest('hex').slice(0, 32),
    size: questions.length,
    vocabulary: [],
    namesImages: true,
    sample: async (index): Promise<Sample> => ({
      id: questions[index].id,
      image: { file: fileOf(questions[index]) },
      regions: [],
      phrases: [],
      conversations: [],
      coverage: { complete: [], isClosed: false },
    }),
    imageSize: async (index) => {
      const { width, height } = await image(index);
      return { width, height };
    },
    image,
    conversations: async () => [],
    close: async () => {},
  };
}

const fileOf = ({ id, images: [image] }: WordQuestion): string => ('file' in image ? image.file : id);

/** @throws ChatRexError as `decodeImage` */
export async function questionImage(source: QuestionImage, folder: string): Promise<RgbImage> {
  if ('file' in source) return loadImage(folder, { file: source.file });
  return decodeImage('bytes' in source ? await source.bytes() : Buffer.from(source.base64, 'base64'));
}

/** What is written beside an answer: what was asked, and what the answer is scored with. */
export interface WordTruth {
  readonly prompt: string;
  readonly record: RawRecord;
  readonly truths: readonly RawRecord[];
  /** Images that the question names and that were not shown. */
  readonly hidden?: number;
}

export type WordRow = Row<WordTruth, string>;

export interface QuestionSuiteOptions {
  /** The folder of images that are files. */
  readonly folder?: string;
  /** Whether only the first image of a question is shown, for models that read one. */
  readonly isFirstImageOnly?: boolean;
}

/** Figures of records as the suite's own scripts write them. */
export type RecordScorer = (answers: RecordFile, truth: RecordFile) => Promise<SuiteFigures>;

/** Asks every question of a suite once. Rows hold the truth, so that they are scored without its files. */
export function questionSuite(
  asked: Pick<AskedSuite, 'name' | 'answerField'>,
  questions: readonly WordQuestion[],
  score: RecordScorer,
  { folder = '.', isFirstImageOnly = true }: QuestionSuiteOptions = {},
): Suite<Answers, WordTruth, string> {
  return {
    name: asked.name,
    needs: ['images'],
    questions: async (view) => {
      const { prompt, record, truths, images } = questions[view.index];
      const hidden = isFirstImageOnly ? images.length - 1 : 0;
      const more = isFirstImageOnly ? undefined : images.slice(1).map((image) => () => questionImage(image, folder));
      return [
        {
          key: 'answer',
          truth: { prompt, record, truths, ...(hidden > 0 && { hidden }) },
          ask: (subject, signal) => subject.answer(view, prompt, signal, more),
        },
      ];
    },
    score: (rows) => scoreQuestionRows(asked, rows, score),
  };
}

/** Figures of the questions that were asked, and only of them; one without an answer is wrong. */
export async function scoreQuestionRows(
  { answerField }: Pick<AskedSuite, 'answerField'>,
  rows: readonly WordRow[],
  score: RecordScorer,
): Promise<SuiteFigures> {
  const { answers, truth } = filesOfRows(rows, answerField);
  const hidden = rows.filter((row) => (row.truth?.hidden ?? 0) > 0).length;
  const notes = [
    ...faultNotes(rows),
    ...(hidden > 0 ? [`of ${counted(hidden, 'question')} with several images the model saw the first one`] : []),
  ];
  if (answers.records.length === 0) {
    const nothing = 'no question has an answer: not scored';
    return { figures: {}, byKind: {}, variant: {}, notes: [...notes, nothing] };
  }
  const figures = await score(answers, truth);
  return { ...figures, notes: [...notes, ...figures.notes] };
}

/** Answers and truth in the form in which the suite's scripts keep them; questions without an answer have no record. */
export function filesOfRows(
  rows: readonly WordRow[],
  answerField: string,
): { readonly answers: RecordFile; readonly truth: RecordFile } {
  const answers = rows.flatMap((row) => ('answer' in row ? [{ ...row.truth.record, [answerField]: row.answer }] : []));
  // Several questions may need one record: the image in words, the judge's rule.
  const truths = new Map(rows.flatMap((row) => row.truth?.truths ?? []).map((one) => [JSON.stringify(one), one]));
  return { answers: { path: 'answers', records: answers }, truth: { path: 'rows', records: [...truths.values()] } };
}
