/**
 * MMMU as the Hub has it: a Parquet file of each subject, images in the columns `image_1` to `image_7`, options as a
 * Python list in a text, `<image n>` in question and options where an image belongs.
 *
 * Two wordings. `official` is that of MMMU's own run of LLaVA (MMMU-Benchmark/MMMU, configs/llava1.5.yaml): options as
 * (A), and the instructions that LLaVA was trained with; it is the default, since the default reader of answers is from
 * there. `vlmevalkit` is that of VLMEvalKit (ImageMCQDataset), from which the paper's table 4 is.
 */

import { ChatRexError } from '../../errors.ts';
import { parsePythonList } from '../suites/python-list.ts';
import type { RawRecord, RecordFile } from '../suites/record-files.ts';
import { type LazyBytes, readParquetRecords } from './parquet-records.ts';
import type { AskedSuite, QuestionImage, WordQuestion } from './question.ts';
import { oneLetter, oneWord } from './wordings.ts';

const mostImages = 7;
const imageColumns = Array.from({ length: mostImages }, (_, i) => `image_${i + 1}`);
const columns = ['id', 'question', 'options', 'answer', 'question_type'];

const wordings = {
  official: 'options as (A), and how to answer, as MMMU asked LLaVA',
  vlmevalkit: 'Question, Options as A., and "Please select", as VLMEvalKit asks',
};

interface MmmuRecord {
  readonly id: string;
  readonly question: string;
  /** Empty for an open question. */
  readonly options: readonly string[];
  readonly answer: string;
  readonly isOpen: boolean;
}

export const mmmu: AskedSuite = {
  name: 'mmmu',
  answerField: 'response',
  images: 'in the table itself',
  maxTokens: 128,
  figure: { name: 'accuracy', most: 1 },
  wordings,
  read: (paths) => Promise.all(paths.map((path) => readParquetRecords(path, columns, imageColumns))),
  unitOf: ({ id }) => String(id),
  // The subject is the middle of an id.
  copyOf: (record, place) => ({ ...record, id: `${record.id}x${place}` }),
  questions: (files, wording = 'official') =>
    files.flatMap((file) =>
      file.records.map((_, i): WordQuestion => {
        const read = recordOf(file, i);
        const { id } = read;
        const body = promptOf(read, wording);
        const images = imagesOf(file, i, body);
        return { id, images, prompt: body, record: { id }, truths: [truthOf(read)] };
      }),
    ),
};

function recordOf(file: RecordFile, index: number): MmmuRecord {
  const record = file.records[index];
  const fail = (expected: string, came: unknown) =>
    new ChatRexError('invalid-file', `${file.path}: row ${index}: expected ${expected}, came ${JSON.stringify(came)}`);
  const field = (name: string): string => {
    const value = record[name];
    if (typeof value !== 'string') throw fail(`a text in column ${name}`, value ?? null);
    return value;
  };
  const answer = field('answer');
  if (answer === '?') throw fail('an answer (the test split has none: give the files validation-*.parquet)', answer);
  const isOpen = field('question_type') !== 'multiple-choice';
  const listed = record.options;
  const options = Array.isArray(listed) ? listed.map(String) : parsePythonList(String(listed ?? '[]'));
  if (options === undefined) throw fail('options as a list of texts', listed);
  if (!isOpen && options.length === 0) throw fail('options of a multiple-choice question', listed);
  return { id: field('id'), question: field('question'), options: isOpen ? [] : options, answer, isOpen };
}

const letterOf = (index: number): string => String.fromCharCode(65 + index);

function promptOf({ question, options, isOpen }: MmmuRecord, wording: string): string {
  if (wording === 'vlmevalkit') {
    const listed = options.map((option, i) => `${letterOf(i)}. ${option}\n`).join('');
    const choice = isOpen ? '' : `Options:\n${listed}Please select the correct answer from the options above. \n`;
    return `Question: ${question}\n${choice}`;
  }
  if (isOpen) return question + oneWord;
  return `${question}\n${options.map((option, i) => `(${letterOf(i)}) ${option}\n`).join('')}${oneLetter}`;
}

/** What `mmmuQuestions` reads. */
function truthOf({ id, options, answer, isOpen }: MmmuRecord): RawRecord {
  return {
    id,
    question_type: isOpen ? 'open' : 'multiple-choice',
    answer: isOpen ? (parsePythonList(answer) ?? answer) : answer,
    ...(!isOpen && { index2ans: Object.fromEntries(options.map((option, i) => [letterOf(i), option])) }),
  };
}

/** The images up to the last one that the prompt names; the first one in any case. */
function imagesOf(file: RecordFile, index: number, prompt: string): QuestionImage[] {
  const named = [...prompt.matchAll(/<image (\d+)>/g)].map(([, number]) => Number(number));
  const last = Math.min(mostImages, Math.max(1, ...named));
  return imageColumns.slice(0, last).map((column): QuestionImage => {
    const bytes = file.records[index][column] as LazyBytes | undefined;
    if (bytes !== undefined) return { bytes };
    return {
      bytes: async () => {
        throw new ChatRexError('invalid-file', `${file.path}: row ${index}: expected an image in column ${column}`);
      },
    };
  });
}
