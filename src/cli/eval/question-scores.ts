/** Scores the answers of questions in words: at the end of a run, and again from the rows that it left. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AskedSuite } from '../../evaluation/question-suites/question.ts';
import {
  type RecordScorer,
  scoreQuestionRows,
  type WordRow,
} from '../../evaluation/question-suites/question-dataset.ts';
import type { Reviewer } from '../../evaluation/report/worst-samples.ts';
import type { RowScorer } from '../../evaluation/scorers.ts';
import type { SuiteFigures } from '../../evaluation/suite.ts';
import { type RawRecord, type RecordFile, readRecords } from '../../evaluation/suites/record-files.ts';
import { writeAll, writeBeside } from '../../files.ts';
import { isNotScored, type NotScored, type RecordSuite, type Scored, type ScoreOptions } from '../score/score-suite.ts';
import { recordSuiteNamed } from '../score/suites.ts';
import { notScoredStatus } from '../score.ts';

/** Answers in the form of the suite's scripts. */
const answersFile = 'answers.json';
/** What a judge said of each answer, in the form of the suite's scripts: they are scored again without it. */
const gradesFile = 'grades.json';

type Scoring = Readonly<Record<string, unknown>>;

/** The options of `chatrex score` among those of a command, for `run.json`. */
export function scoringOf({ options = [] }: Pick<RecordSuite, 'options'>, given: object): Scoring {
  const named = given as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    options.flatMap((option) => {
      const name = option.attributeName();
      return named[name] === undefined ? [] : [[name, named[name]]];
    }),
  );
}

/** Writes answers.json into the folder and scores it; without a judge that is needed there are no figures. */
export function scoreInFolder({ name }: AskedSuite, folder: string, scoring: Scoring): RecordScorer {
  return async (answers, truth) => {
    const path = join(folder, answersFile);
    await writeRecords(path, answers.records);
    const options: ScoreOptions = { ...scoring, answers: [path] };
    const score = await recordSuiteNamed(name).score({ answers: [answers], truth: [truth] }, options);
    if (isNotScored(score)) process.exitCode = notScoredStatus;
    else if (score.graded) await writeRecords(join(folder, gradesFile), score.graded);
    return figuresOf(score);
  };
}

function writeRecords(path: string, records: readonly RawRecord[]): Promise<void> {
  return writeBeside(path, (file) => writeAll(file, Buffer.from(`${JSON.stringify(records, null, 1)}\n`)));
}

function figuresOf(score: Scored | NotScored): SuiteFigures {
  if (isNotScored(score)) {
    return { figures: {}, byKind: {}, variant: {}, notes: [`not scored: ${score.notScored}`] };
  }
  const { suite: _, counts: __, graded: ___, ...figures } = score;
  return figures;
}

/** Scores rows without the suite's files and, where the folder has grades, without its judge. */
export async function questionRowScorer(asked: AskedSuite, folder: string, scoring: Scoring): Promise<RowScorer> {
  const path = join(folder, gradesFile);
  const grades = existsSync(path) ? await readRecords(path) : undefined;
  // No draw is worth asking a judge.
  const { judge: _, ...rules } = scoring;
  const suite = recordSuiteNamed(asked.name);
  const gradeOf = new Map(grades?.records.map((record) => [asked.unitOf(record), record]));
  const scoreRecords: RecordScorer = async (answers, truth) => {
    const options: ScoreOptions = { ...rules, answers: [path] };
    return figuresOf(await suite.score({ answers: [answers], truth: [truth] }, options));
  };
  const scorer: RecordScorer = grades
    ? (_answers, truth) => scoreRecords(gradesOf(asked, truth, gradeOf), truth)
    : scoreRecords;
  return {
    score: (rows) => scoreQuestionRows(asked, rows as readonly WordRow[], scorer),
    unitOf: (row) => asked.unitOf((row as WordRow).truth?.record ?? {}),
    copyOf: (row, place) => copyOf(asked, row as WordRow, place) as never,
  };
}

/** What a report shows of a question: right answers last. Reads the grades of a judge, if the folder has any. */
export function questionReviewer(asked: AskedSuite, folder: string, scoring: Scoring): Reviewer {
  let scorer: Promise<RowScorer> | undefined;
  return async ([row]) => {
    const { truth } = row as WordRow;
    if (truth === undefined) return undefined;
    scorer ??= questionRowScorer(asked, folder, scoring);
    const { figures } = await (await scorer).score([row as never]);
    const { name, most } = asked.figure;
    const answer = 'answer' in row ? String(row.answer) : undefined;
    const words = { question: truth.prompt, answer, truth: truthInWords(truth.truths[0]) };
    return { quality: (figures[name] ?? 0) / most, text: '', truth: [], answer: [], words };
  };
}

const truthFields = ['label', 'answer', 'gt_answer_details', 'gt_answer', 'ground_truth'];

function truthInWords(record: RawRecord = {}): string {
  const field = truthFields.find((name) => record[name] !== undefined);
  const value = field === undefined ? undefined : record[field];
  return Array.isArray(value) ? value.join(' or ') : String(value ?? '');
}

/** Field that keeps, in the copy of a truth, whose copy it is. */
const copyField = 'copy of';

function copyOf(asked: AskedSuite, row: WordRow, place: number): WordRow {
  if (row.truth === undefined) return row;
  const { record, truths } = row.truth;
  const copied = (one: RawRecord): RawRecord => ({ ...asked.copyOf(one, place), [copyField]: asked.unitOf(one) });
  return { ...row, truth: { ...row.truth, record: asked.copyOf(record, place), truths: truths.map(copied) } };
}

/** The grades of the answers to what the truth asks, under the names that copies have. */
function gradesOf(asked: AskedSuite, truth: RecordFile, gradeOf: ReadonlyMap<string, RawRecord>): RecordFile {
  const records = truth.records.flatMap((record) => {
    const grade = gradeOf.get(String(record[copyField] ?? asked.unitOf(record)));
    if (grade === undefined) return [];
    const { id, question_id: questionId } = record;
    return [
      { ...grade, ...(id !== undefined && { id }), ...(questionId !== undefined && { question_id: questionId }) },
    ];
  });
  return { path: gradesFile, records };
}
