/** Two runs of one suite on the same data, with the rows of the samples that both have. */

import { ChatRexError } from '../errors.ts';
import { groupBy } from './metrics/group-by.ts';
import type { Row } from './row.ts';
import { readRows } from './rows-file.ts';
import { type RunRecord, readRunRecord } from './run-record.ts';

/** All rows of a sample. */
export type SampleRows = readonly Row<never, never>[];

export interface PairedSample {
  readonly index: number;
  readonly first: SampleRows;
  readonly second: SampleRows;
}

export interface RunPair {
  readonly first: RunRecord;
  readonly second: RunRecord;
  /** Samples that both runs have rows of, in the order of the data. */
  readonly samples: readonly PairedSample[];
  /** Samples that one run alone has rows of: they take no part. */
  readonly leftOut: number;
}

/**
 * Reads the runs of two folders.
 * @throws ChatRexError 'invalid-argument' for runs of different suites or data, or without a common sample
 * @example const { samples } = await readRunPair('runs/a', 'runs/b');
 */
export async function readRunPair(firstFolder: string, secondFolder: string): Promise<RunPair> {
  const [first, second] = [await readRunRecord(firstFolder), await readRunRecord(secondFolder)];
  if (first.suite !== second.suite || first.data.fingerprint !== second.data.fingerprint) {
    const shown = ({ suite, data }: RunRecord) => `${suite} on ${data.name} (${data.fingerprint.slice(0, 8)})`;
    const message = `${shown(first)} and ${shown(second)} are not of the same suite and data`;
    throw new ChatRexError('invalid-argument', `${message}; compare runs of the same`);
  }
  const rows = await Promise.all([firstFolder, secondFolder].map((folder) => readRows<never, never>(folder)));
  const [firstRows, secondRows] = rows.map((own) => groupBy(own, ({ index }) => index));
  const samples = [...firstRows].flatMap(([index, own]): PairedSample[] => {
    const other = secondRows.get(index);
    return other === undefined ? [] : [{ index, first: own, second: other }];
  });
  if (samples.length === 0) {
    throw new ChatRexError('invalid-argument', `${firstFolder} and ${secondFolder} have no sample in common`);
  }
  return { first, second, samples, leftOut: firstRows.size + secondRows.size - 2 * samples.length };
}
