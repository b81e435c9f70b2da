/** Questions of benchmarks that are asked in words and answered in words, each about one image or several. */

import { type RawRecord, type RecordFile, readAllRecords } from '../suites/record-files.ts';

/** Where a question's image is: a file of a folder, base64 in the table itself, or bytes that are read when needed. */
export type QuestionImage =
  | { readonly file: string }
  | { readonly base64: string }
  | { readonly bytes: () => Promise<Uint8Array> };

export interface WordQuestion {
  /** Unique in the suite. */
  readonly id: string;
  /** The first one is what a model sees that reads one image; the prompt names the n-th one as `<image n>`. */
  readonly images: readonly QuestionImage[];
  /** What is asked, in the words of the official script. */
  readonly prompt: string;
  /** What the suite's own scripts write beside the answer, so that `chatrex score` reads it. */
  readonly record: RawRecord;
  /** The records of the truth that the answer is scored with: rows are scored without the suite's files. */
  readonly truths: readonly RawRecord[];
}

/** How a suite asks. */
export interface AskedSuite {
  readonly name: string;
  /** The field of an answer's record that holds the model's words. */
  readonly answerField: string;
  /** Which images questions are about, for help texts. */
  readonly images: string;
  /** Longest answer in tokens. */
  readonly maxTokens: number;
  /** The figure that says of a single question whether its answer is right, and its highest value. */
  readonly figure: { readonly name: string; readonly most: number };
  /** Ways to put a question, the default first; one where this is missing. */
  readonly wordings?: Readonly<Record<string, string>>;
  /** Reads the files of the truth; records of JSON, lines and tables by default. */
  readonly read?: (paths: readonly string[]) => Promise<RecordFile[]>;
  /**
   * Questions out of the files of the truth. Records of other files of the suite (rules, captions) have none.
   * @param wording one of `wordings`
   */
  questions(files: readonly RecordFile[], wording?: string): WordQuestion[];
  /** Names what is drawn together when samples are drawn with replacement: all that one question of the suite is. */
  unitOf(record: RawRecord): string;
  /** The same record as the `place`-th that was drawn: of an answer or of the truth. */
  copyOf(record: RawRecord, place: number): RawRecord;
}

/** The records of a suite's files. @throws ChatRexError as `readRecords` */
export const readQuestions = (asked: AskedSuite, paths: readonly string[]): Promise<RecordFile[]> =>
  (asked.read ?? readAllRecords)(paths);
