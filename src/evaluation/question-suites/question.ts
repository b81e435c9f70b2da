/** Questions of benchmarks that are asked in words and answered in words, each about one image. */

import type { RawRecord } from '../suites/record-files.ts';

/** Where a question's image is: a file of a folder, or base64 in the table itself. */
export type QuestionImage = { readonly file: string } | { readonly base64: string };

export interface WordQuestion {
  /** Unique in the suite. */
  readonly id: string;
  readonly image: QuestionImage;
  /** What is asked, in the words of the official script. */
  readonly prompt: string;
  /** What the suite's own scripts write beside the answer, so that `chatrex score` reads it. */
  readonly record: RawRecord;
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
  /** Questions out of the files of the truth. Records of other files of the suite (rules, captions) have none. */
  questions(files: readonly QuestionFile[]): WordQuestion[];
}

export interface QuestionFile {
  readonly path: string;
  readonly records: readonly RawRecord[];
}
