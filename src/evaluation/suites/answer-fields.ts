/** Takes sample ids and answers from records, whatever the scripts that wrote them call the fields. */

import { ChatRexError } from '../../errors.ts';
import { guessSuite } from './guess-suite.ts';
import type { RawRecord, RecordFile } from './record-files.ts';

/**
 * Names that scripts give to the text of a model, in the order in which they are believed: `answer` may be the truth.
 */
const textFields = ['prediction', 'response', 'text', 'output', 'model_prediction', 'answer', 'value'] as const;

const idFields = ['question_id', 'id', 'index', 'data_id', 'sample_id'] as const;

/** One answer in words. */
export interface TextAnswer {
  readonly id: string;
  readonly text: string;
}

/** What came instead of the fields that a suite needs; names the suite that the file looks like. */
export function misfit(file: RecordFile, index: number, wanted: string, suite: string): ChatRexError {
  const record = file.records[index] ?? {};
  const keys = Object.keys(record).slice(0, 8).join(', ') || 'nothing';
  const guess = guessSuite(record);
  const advice = guess && guess !== suite ? `; this looks like a file of ${guess}` : '';
  return new ChatRexError('invalid-file', `${file.path}: record ${index}: expected ${wanted}, came ${keys}${advice}`);
}

/** The sample's id as text, or undefined. */
export function idOf(record: RawRecord): string | undefined {
  for (const field of idFields) {
    const id = record[field];
    if (typeof id === 'string' || typeof id === 'number') return String(id);
  }
  return undefined;
}

/** The model's words, or undefined. A number or null that stands for them becomes text. */
export function textOf(record: RawRecord, fields: readonly string[] = textFields): string | undefined {
  for (const field of fields) {
    const text = record[field];
    if (typeof text === 'string') return text;
    if (typeof text === 'number' || typeof text === 'boolean') return String(text);
  }
  return undefined;
}

/**
 * Answers in words by id.
 * @param fields where the words may be; the usual names by default
 * @throws ChatRexError 'invalid-file' naming the first record that has no id or no words.
 */
export function textAnswers(file: RecordFile, suite: string, fields?: readonly string[]): TextAnswer[] {
  return file.records.map((record, i) => {
    const id = idOf(record);
    // Tables leave empty fields out: the model said nothing.
    const text = textOf(record, fields) ?? (isEmptyAnswer(record, fields) ? '' : undefined);
    if (id === undefined || text === undefined) {
      throw misfit(file, i, `an id (${idFields.join(', ')}) and a text (${textFields.join(', ')})`, suite);
    }
    return { id, text };
  });
}

function isEmptyAnswer(record: RawRecord, fields: readonly string[] = textFields): boolean {
  return fields.some((field) => record[field] === null);
}

/** A field that must be text or a number. @throws ChatRexError 'invalid-file' */
export function required(file: RecordFile, index: number, field: string, suite: string): string {
  const value = file.records[index][field];
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw misfit(file, index, field, suite);
}
