/** What the commands on data sets share: options, opening with progress, and what Ctrl-C does. */

import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Dataset } from '../../datasets/dataset.ts';
import { ChatRexError } from '../../errors.ts';
import { datasetFormats, openDataset } from '../../open-dataset.ts';
import { interruptible } from '../interruption.ts';
import { type ProgressBar, progressBar } from '../progress.ts';

export interface SpecOptions {
  readonly root?: string;
  readonly cache?: string;
  readonly strict?: boolean;
}

/** Adds the argument SPEC and the options that `SpecOptions` names. */
export function specCommand(command: Command): Command {
  return command
    .argument('<spec>', 'FORMAT:PATH[,option=value...], a JSON object, or a module')
    .option('--root <folder>', 'what relative paths of the spec are relative to; here by default')
    .option('--cache <folder>', 'where indexes are kept; CHATREX_CACHE or ~/.cache/chatrex by default')
    .option('--strict', 'any fault in the data is an error')
    .addHelpText('after', `\nFormats: ${datasetFormats.join(', ')}; see docs/guides/data.md`);
}

/** Progress is shown for what takes longer than this. */
const quietMs = 1000;

/**
 * Opens a data set, does the work and closes it. SIGINT and SIGTERM end the reading and leave no half-written file.
 */
export async function withDataset<T>(
  title: string,
  spec: string,
  { root, cache, strict, isRebuilt }: SpecOptions & { readonly isRebuilt?: boolean },
  work: (dataset: Dataset, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (root !== undefined && !(await stat(root).catch(() => undefined))?.isDirectory()) {
    throw new ChatRexError('not-found', `--root ${root} is not a folder`);
  }
  const bar = lateBar(`${title}: reading`, 1000);
  return interruptible(async (signal) => {
    const dataset = await openDataset(spec, {
      dataRoot: root,
      cacheFolder: cache,
      isStrict: strict,
      isRebuilt,
      signal,
      onProgress: ({ samples, bytesRead, bytesTotal }) =>
        bar.update(Math.round((1000 * bytesRead) / Math.max(1, bytesTotal)), samples > 0 ? `${samples} samples` : ''),
    });
    bar.end('read');
    try {
      return await work(dataset, signal);
    } finally {
      await dataset.close();
    }
  });
}

/** A progress bar that appears only when the work takes long; its end is silent where it never appeared. */
export function lateBar(title: string, total: number): Pick<ProgressBar, 'update' | 'end'> {
  const startedAt = Date.now();
  let bar: ProgressBar | undefined;
  return {
    update: (done, note) => {
      if (Date.now() - startedAt < quietMs) return;
      bar ??= progressBar(title, total);
      bar.update(done, note);
    },
    end: (text) => bar?.end(text),
  };
}
