/**
 * What a proposal network finds in every image of a data set, computed once: the boxes beside the annotated ones when
 * the multimodal model is trained (paper section 5).
 */

import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { proposalsOf } from '../../chatrex/config.ts';
import type { Dataset, DatasetSpec, OpenContext } from '../../datasets/dataset.ts';
import { type Derived, derive } from '../../datasets/derived.ts';
import { locateNetwork } from '../../proposals/locate.ts';
import { fingerprintFiles } from './fingerprint.ts';
import { onlyPlaces } from './worker-context.ts';

/** What a worker starts with. */
export interface ProposalWorkerData {
  readonly data: DatasetSpec;
  readonly context: OpenContext;
  /** A source of `Upn.load`. */
  readonly model: string;
  /** Which boxes: those that the multimodal model speaks about. */
  readonly proposals: ProposalSettings;
}

type ProposalSettings = ReturnType<typeof proposalsOf>;

/** @returns boxes of an image, [K, 4] xyxy in pixels of the original, the surest first */
export async function deriveProposals(
  dataset: Dataset,
  data: DatasetSpec,
  { model, proposals }: Pick<ProposalWorkerData, 'model' | 'proposals'>,
  context: OpenContext,
): Promise<Derived<Float32Array>> {
  const hash = createHash('sha256').update(JSON.stringify(proposals));
  await fingerprintFiles(hash, await filesOf(model));
  const workerData: ProposalWorkerData = { data, context: onlyPlaces(context), model, proposals };
  return derive<Float32Array>(
    {
      folder: join(context.cacheFolder, `proposals-${dataset.fingerprint}-${hash.digest('hex').slice(0, 12)}`),
      size: dataset.size,
      worker: { module: './proposal-worker.ts', base: import.meta.url, data: workerData },
      unpack: ({ buffer, byteOffset, byteLength }) =>
        new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength)),
    },
    {
      signal: context.signal,
      onProgress: (done, total) => context.onStatus?.(`finding boxes ${done}/${total}`),
    },
  );
}

/** What a network's boxes depend on: its configuration and its weights. */
async function filesOf(model: string): Promise<string[]> {
  const located = await locateNetwork(model);
  if (!located.isFolder) return [located.path];
  const names = await readdir(located.path);
  return names.filter((name) => /\.(json|safetensors)$/.test(name)).map((name) => join(located.path, name));
}
