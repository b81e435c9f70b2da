/** The data that a run was made on, opened where its record says that they are. */

import { resolve } from 'node:path';
import { z } from 'zod';
import type { Dataset, DatasetSpec } from '../../datasets/dataset.ts';
import { humanrefDataset, humanrefName } from '../../evaluation/data-suites/humanref.ts';
import { askedSuiteNamed } from '../../evaluation/question-suites/asked-suites.ts';
import { readQuestions } from '../../evaluation/question-suites/question.ts';
import { questionDataset } from '../../evaluation/question-suites/question-dataset.ts';
import type { RunRecord } from '../../evaluation/run-record.ts';
import { readAllRecords } from '../../evaluation/suites/record-files.ts';
import { openDataset } from '../../open-dataset.ts';

export interface RunDataOptions {
  /** What relative paths are relative to. */
  readonly root?: string;
  readonly cache?: string;
}

const questionSpec = z.object({ truth: z.array(z.string()), images: z.string().optional() });

/** Undefined for a record that does not say where its data are. */
export async function dataOfRun(
  { suite, data }: RunRecord,
  { root = '.', cache }: RunDataOptions,
): Promise<Dataset | undefined> {
  const spec = data.spec as DatasetSpec | string | null;
  if (spec === null) return undefined;
  const asked = askedSuiteNamed(suite);
  if (!asked && suite !== humanrefName) return openDataset(spec, { dataRoot: root, cacheFolder: cache });
  const { truth, images = '.' } = questionSpec.parse(spec);
  const paths = truth.map((path) => resolve(root, path));
  if (!asked) return humanrefDataset(await readAllRecords(paths), resolve(root, images)).data;
  return questionDataset(suite, asked.questions(await readQuestions(asked, paths)), resolve(root, images));
}
