/**
 * What POPE, SEED-Bench, MMBench, HallusionBench, MM-Vet and LLaVA-Bench in the wild ask, in the words of LLaVA's
 * scripts, which the paper used (table 4), and for HallusionBench of VLMEvalKit's.
 */

import { ChatRexError } from '../../errors.ts';
import type { RawRecord } from '../suites/record-files.ts';
import type { AskedSuite, QuestionFile, QuestionImage, WordQuestion } from './question.ts';

const oneWord = '\nAnswer the question using a single word or phrase.';
const oneLetter = "\nAnswer with the option's letter from the given choices directly.";

/** A field as text. @throws ChatRexError 'invalid-file' when it is missing */
function text(file: QuestionFile, index: number, field: string): string {
  const value = file.records[index][field];
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new ChatRexError(
    'invalid-file',
    `${file.path}: record ${index}: ${field}: expected a text, came ${typeof value}`,
  );
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

const pope: AskedSuite = {
  name: 'pope',
  answerField: 'text',
  images: 'val2014 of COCO',
  maxTokens: 16,
  questions: (files) =>
    files.flatMap((file) =>
      file.records.map((record, i): WordQuestion => {
        const id = text(file, i, 'question_id');
        const named = /(random|popular|adversarial)/.exec(file.path)?.[1] ?? 'all';
        const category = isText(record.category) ? record.category : named;
        return {
          id: `${category} ${id}`,
          image: { file: text(file, i, 'image') },
          prompt: text(file, i, 'text') + oneWord,
          record: { question_id: id, category },
        };
      }),
    ),
};

const seed: AskedSuite = {
  name: 'seed',
  answerField: 'prediction',
  images: 'SEED-Bench-image; questions about videos are not asked',
  maxTokens: 16,
  questions: (files) =>
    files.flatMap((file) => {
      const list = file.records.find(({ id }) => id === 'questions')?.value;
      const records = Array.isArray(list) ? (list as RawRecord[]) : file.records;
      const inner = { path: file.path, records };
      return records.flatMap((record, i): WordQuestion[] => {
        if (record.data_type === 'video') return [];
        const options = ['a', 'b', 'c', 'd'].map((letter) => {
          return `${letter.toUpperCase()}. ${text(inner, i, `choice_${letter}`)}`;
        });
        const id = text(inner, i, 'question_id');
        return [
          {
            id,
            image: { file: text(inner, i, 'data_id') },
            prompt: [text(inner, i, 'question'), ...options].join('\n') + oneLetter,
            record: { question_id: id },
          },
        ];
      });
    }),
};

const mmbench: AskedSuite = {
  name: 'mmbench',
  answerField: 'prediction',
  images: 'in the table itself',
  maxTokens: 64,
  questions: (files) =>
    files.flatMap((file) => {
      // Rotations of a question may name the row that has the image.
      const imageOf = new Map(file.records.map((record) => [String(record.index), record.image]));
      return file.records.map((record, i): WordQuestion => {
        const index = text(file, i, 'index');
        const options = [...'ABCDEFGHIJ'].flatMap((letter) => {
          const option = record[letter];
          return isText(option) || typeof option === 'number' ? [`${letter}. ${option}`] : [];
        });
        const hint = isText(record.hint) ? [record.hint] : [];
        const own = text(file, i, 'image');
        const base64 = own.length < 64 ? String(imageOf.get(own) ?? own) : own;
        return {
          id: index,
          image: { base64 },
          prompt: [...hint, text(file, i, 'question'), ...options].join('\n') + oneLetter,
          record: { index },
        };
      });
    }),
};

const hallusion: AskedSuite = {
  name: 'hallusion',
  answerField: 'model_prediction',
  images: 'the folder hallusion_bench; questions without an image are not asked',
  maxTokens: 128,
  questions: (files) =>
    files.flatMap((file) =>
      file.records.flatMap((record, i): WordQuestion[] => {
        if (String(record.visual_input) === '0') return [];
        const fields = ['category', 'subcategory', 'set_id', 'figure_id', 'question_id'];
        const key = Object.fromEntries(fields.map((field) => [field, text(file, i, field)]));
        return [
          {
            id: Object.values(key).join(' '),
            image: { file: text(file, i, 'filename').replace(/^\.\//, '') },
            prompt: text(file, i, 'question'),
            record: key,
          },
        ];
      }),
    ),
};

const mmVet: AskedSuite = {
  name: 'mm-vet',
  answerField: 'prediction',
  images: 'the folder images of MM-Vet',
  maxTokens: 512,
  questions: (files) =>
    files.flatMap((file) =>
      file.records.map((_, i): WordQuestion => {
        const id = text(file, i, 'id');
        const image = { file: text(file, i, 'imagename') };
        return { id, image, prompt: text(file, i, 'question'), record: { id } };
      }),
    ),
};

const llavaWild: AskedSuite = {
  name: 'llava-wild',
  answerField: 'text',
  images: 'the folder images of LLaVA-Bench (In-the-Wild)',
  maxTokens: 1024,
  questions: (files) =>
    files.flatMap((file) =>
      file.records.flatMap((record, i): WordQuestion[] => {
        // Captions, reference answers and rules are records of other files.
        if (!isText(record.category) || !isText(record.image) || record.caption !== undefined) return [];
        const id = text(file, i, 'question_id');
        const image: QuestionImage = { file: record.image };
        return [{ id, image, prompt: text(file, i, 'text'), record: { question_id: id } }];
      }),
    ),
};

export const askedSuites: readonly AskedSuite[] = [pope, mmbench, seed, hallusion, mmVet, llavaWild];
