/**
 * What POPE, SEED-Bench, MMBench, HallusionBench, MM-Vet and LLaVA-Bench in the wild ask, in the words of LLaVA's
 * scripts, which the paper used (table 4), and for HallusionBench of VLMEvalKit's. MMMU is in a file of its own.
 */

import { ChatRexError } from '../../errors.ts';
import type { RawRecord, RecordFile } from '../suites/record-files.ts';
import { mmmu } from './mmmu-questions.ts';
import type { AskedSuite, WordQuestion } from './question.ts';
import { oneLetter, oneWord } from './wordings.ts';

/** A field as text. @throws ChatRexError 'invalid-file' when it is missing */
function text(file: RecordFile, index: number, field: string): string {
  const value = file.records[index][field];
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new ChatRexError(
    'invalid-file',
    `${file.path}: record ${index}: ${field}: expected a text, came ${typeof value}`,
  );
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

const accuracy = { name: 'accuracy', most: 1 };

/** For suites whose records have one field that tells them apart. */
const byField = (field: string): Pick<AskedSuite, 'unitOf' | 'copyOf'> => ({
  unitOf: (record) => String(record[field]),
  copyOf: (record, place) => ({ ...record, [field]: `${record[field]} drawn ${place}` }),
});

/** A record without fields that no score needs. */
function without(record: RawRecord, ...fields: readonly string[]): RawRecord {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !fields.includes(name)));
}

const pope: AskedSuite = {
  name: 'pope',
  answerField: 'text',
  images: 'val2014 of COCO',
  maxTokens: 16,
  figure: accuracy,
  wordings: {
    llava: 'followed by "Answer the question using a single word or phrase.", as LLaVA’s scripts ask',
    plain: 'as the files of POPE have them',
  },
  // Every category numbers its questions from 1.
  unitOf: ({ category, question_id: id }) => `${category} ${id}`,
  copyOf: byField('question_id').copyOf,
  questions: (files, wording = 'llava') =>
    files.flatMap((file) =>
      file.records.map((record, i): WordQuestion => {
        const id = text(file, i, 'question_id');
        const named = /(random|popular|adversarial)/.exec(file.path)?.[1] ?? 'all';
        const category = isText(record.category) ? record.category : named;
        return {
          id: `${category} ${id}`,
          images: [{ file: text(file, i, 'image') }],
          prompt: text(file, i, 'text') + (wording === 'plain' ? '' : oneWord),
          record: { question_id: id, category },
          truths: [{ question_id: id, category, label: text(file, i, 'label') }],
        };
      }),
    ),
};

const seed: AskedSuite = {
  name: 'seed',
  answerField: 'prediction',
  images: 'SEED-Bench-image; questions about videos are not asked',
  maxTokens: 16,
  figure: accuracy,
  ...byField('question_id'),
  questions: (files) =>
    files.flatMap((file) => {
      const list = file.records.find(({ id }) => id === 'questions')?.value;
      const types = file.records.find(({ id }) => id === 'question_type');
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
            images: [{ file: text(inner, i, 'data_id') }],
            prompt: [text(inner, i, 'question'), ...options].join('\n') + oneLetter,
            record: { question_id: id },
            truths: [{ question_id: id, answer: text(inner, i, 'answer'), ...typeOf(record, types) }],
          },
        ];
      });
    }),
};

/** The name of a question's type, which the file keeps apart from the questions. */
function typeOf({ question_type_id: id }: RawRecord, types: RawRecord | undefined): RawRecord {
  const entry = Object.entries(types ?? {}).find(([name, type]) => name !== 'id' && String(type) === String(id));
  return entry === undefined ? {} : { question_type: entry[0] };
}

const mmbench: AskedSuite = {
  name: 'mmbench',
  answerField: 'prediction',
  images: 'in the table itself',
  maxTokens: 64,
  figure: accuracy,
  // All rotations of a question are drawn together.
  unitOf: ({ index }) => String(Number(index) % rotationStep),
  copyOf: (record, place) => {
    const rotation = Math.floor(Number(record.index) / rotationStep);
    return { ...record, index: rotation * rotationStep + place };
  },
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
          images: [{ base64 }],
          prompt: [...hint, text(file, i, 'question'), ...options].join('\n') + oneLetter,
          record: { index },
          truths: [without(record, 'image')],
        };
      });
    }),
};

const hallusion: AskedSuite = {
  name: 'hallusion',
  answerField: 'model_prediction',
  images: 'the folder hallusion_bench; questions without an image are not asked',
  maxTokens: 128,
  figure: { name: 'aAcc', most: 1 },
  // A figure and a question are right over a whole set.
  unitOf: ({ category, subcategory, set_id: set }) => [category, subcategory, set].join(' '),
  copyOf: byField('set_id').copyOf,
  questions: (files) =>
    files.flatMap((file) =>
      file.records.flatMap((record, i): WordQuestion[] => {
        if (String(record.visual_input) === '0') return [];
        const fields = ['category', 'subcategory', 'set_id', 'figure_id', 'question_id'];
        const key = Object.fromEntries(fields.map((field) => [field, text(file, i, field)]));
        return [
          {
            id: Object.values(key).join(' '),
            images: [{ file: text(file, i, 'filename').replace(/^\.\//, '') }],
            prompt: text(file, i, 'question'),
            record: key,
            truths: [record],
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
  figure: { name: 'score', most: 100 },
  ...byField('id'),
  questions: (files) =>
    files.flatMap((file) =>
      file.records.map((record, i): WordQuestion => {
        const id = text(file, i, 'id');
        const images = [{ file: text(file, i, 'imagename') }];
        return { id, images, prompt: text(file, i, 'question'), record: { id }, truths: [{ ...record, id }] };
      }),
    ),
};

const kindOf = (category: unknown): string => String(category).replace(/^llava_bench_/, '');

const llavaWild: AskedSuite = {
  name: 'llava-wild',
  answerField: 'text',
  images: 'the folder images of LLaVA-Bench (In-the-Wild)',
  maxTokens: 1024,
  figure: { name: 'second', most: 100 },
  ...byField('question_id'),
  questions: (files) => {
    const isQuestion = (record: RawRecord) =>
      isText(record.category) && isText(record.image) && record.caption === undefined;
    const others = files.flatMap(({ records }) => records.filter((record) => !isQuestion(record)));
    const rules = others.filter(({ prompt, role }) => isText(prompt) && isText(role));
    return files.flatMap((file) =>
      file.records.flatMap((record, i): WordQuestion[] => {
        if (!isQuestion(record)) return [];
        const id = text(file, i, 'question_id');
        const image = text(file, i, 'image');
        // A judge needs the image in words, GPT-4's answer, and the rule of this kind.
        const own = others.filter(
          (other) =>
            (other.caption !== undefined && other.image === image) ||
            (other.caption === undefined && !rules.includes(other) && String(other.question_id ?? other.id) === id),
        );
        const rule = rules.filter(({ id: kind }) => kindOf(kind) === kindOf(record.category));
        const truths = [{ ...record, question_id: id }, ...own, ...rule];
        return [{ id, images: [{ file: image }], prompt: text(file, i, 'text'), record: { question_id: id }, truths }];
      }),
    );
  },
};

/** Rotations of one question differ by multiples of this. */
const rotationStep = 1_000_000;

export const askedSuites: readonly AskedSuite[] = [pope, mmbench, seed, mmmu, hallusion, mmVet, llavaWild];

/** The suite of this name, or undefined. */
export const askedSuiteNamed = (name: string): AskedSuite | undefined =>
  askedSuites.find((suite) => suite.name === name);
