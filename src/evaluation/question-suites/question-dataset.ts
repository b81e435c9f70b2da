/** Questions in words as a data set: one sample each, with its image. */

import { createHash } from 'node:crypto';
import type { Dataset } from '../../datasets/dataset.ts';
import { loadImage } from '../../datasets/image-bytes.ts';
import type { Sample } from '../../datasets/sample.ts';
import { ChatRexError } from '../../errors.ts';
import { decodeImage } from '../../image/decode.ts';
import type { RgbImage } from '../../image/rgb-image.ts';
import type { Row } from '../row.ts';
import type { Answers } from '../subject.ts';
import type { Suite, SuiteFigures } from '../suite.ts';
import type { RawRecord } from '../suites/record-files.ts';
import type { AskedSuite, WordQuestion } from './question.ts';

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
  const image = async (index: number): Promise<RgbImage> => {
    const { image: source } = questions[index];
    if ('file' in source) return loadImage(folder, { file: source.file });
    return decodeImage(Buffer.from(source.base64, 'base64'));
  };
  return {
    name,
    fingerprint: hash.digest('hex').slice(0, 32),
    size: questions.length,
    vocabulary: [],
    sample: async (index): Promise<Sample> => ({
      id: questions[index].id,
      image: { file: 'file' in questions[index].image ? questions[index].image.file : questions[index].id },
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

/** What is written beside an answer, and what was asked. */
export interface WordTruth {
  readonly prompt: string;
  readonly record: RawRecord;
}

/**
 * Asks every question of a suite once.
 * @param score figures of records as the suite's own scripts write them
 */
export function questionSuite(
  { name, answerField }: Pick<AskedSuite, 'name' | 'answerField'>,
  questions: readonly WordQuestion[],
  score: (answers: readonly RawRecord[]) => Promise<SuiteFigures>,
): Suite<Answers, WordTruth, string> {
  return {
    name,
    needs: ['images'],
    questions: async (view) => {
      const { prompt, record } = questions[view.index];
      return [
        { key: 'answer', truth: { prompt, record }, ask: (subject, signal) => subject.answer(view, prompt, signal) },
      ];
    },
    score: (rows) => score(answerRecords(rows, answerField)),
  };
}

/** Answers in the form in which the suite's scripts keep them; questions without an answer are missing. */
export function answerRecords(rows: readonly Row<WordTruth, string>[], answerField: string): RawRecord[] {
  return rows.flatMap((row) => ('answer' in row ? [{ ...row.truth.record, [answerField]: row.answer }] : []));
}
