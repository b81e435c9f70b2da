/** Writes report.html into the folder of a run. */

import { join } from 'node:path';
import type { Dataset } from '../../datasets/dataset.ts';
import { writeAll, writeBeside } from '../../files.ts';
import type { Evaluation } from '../evaluate.ts';
import type { Row } from '../row.ts';
import { reportHtml } from './report-html.ts';
import type { Reviewer } from './worst-samples.ts';

/**
 * @param data where the worst images are read from; without it the page has none
 * @param review how good the answers about a sample are; by the suite's name by default
 * @returns the page's path
 */
export async function writeReport(
  folder: string,
  evaluation: Evaluation,
  rows: readonly Row<unknown, unknown>[],
  data?: Pick<Dataset, 'image'>,
  review?: Reviewer,
): Promise<string> {
  const path = join(folder, 'report.html');
  const html = await reportHtml(evaluation, rows, { data, review });
  await writeBeside(path, (file) => writeAll(file, Buffer.from(html)));
  return path;
}
