/**
 * What a proposal network finds in the scenes of a cache, computed once and kept beside them: the boxes that stand beside
 * the objects when the multimodal model is trained (paper section 5).
 */

import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { proposalsOf } from '../../chatrex/config.ts';
import { ChatRexError } from '../../errors.ts';
import { loadStoredUpn } from '../../proposals/load.ts';
import { computeRanges } from './ranges.ts';
import { completeRecords, type SceneCacheKey, sceneCacheFolder } from './scene-cache.ts';

/** What a worker starts with. */
export interface ProposalWorkerData {
  readonly folder: string;
  readonly key: SceneCacheKey;
  /** A source of `Upn.load`. */
  readonly model: string;
  /** Which boxes: those that the multimodal model speaks about. */
  readonly proposals: ProposalSettings;
}

type ProposalSettings = ReturnType<typeof proposalsOf>;

/** Boxes of a scene [K, 4] xyxy in its pixels, the surest first. */
export type SceneProposals = (index: number) => Float32Array;

/** Opens the proposals that a network makes for all scenes of a cache, which must be complete; finds what is missing first. */
export async function openProposalCache(
  folder: string,
  key: SceneCacheKey,
  { model, proposals }: Pick<ProposalWorkerData, 'model' | 'proposals'>,
  onProgress?: (done: number, total: number) => void,
): Promise<SceneProposals> {
  const path = join(sceneCacheFolder(folder, key), `proposals-${await fingerprint(model, proposals)}.jsonl`);
  const present = await completeRecords(path);
  if (present < key.count) {
    const file = await open(path, 'a');
    const data: ProposalWorkerData = { folder, key, model, proposals };
    try {
      await computeRanges<number[][]>(
        { module: './proposal-worker.ts', base: import.meta.url, data },
        { from: present, to: key.count },
        async ({ end }, boxes) => {
          await file.write(boxes.map((ofScene) => `${JSON.stringify(ofScene)}\n`).join(''));
          onProgress?.(end, key.count);
        },
      );
    } finally {
      await file.close();
    }
  }
  const lines = (await readFile(path, 'utf8')).split('\n');
  return (index) => {
    if (!(index >= 0 && index < key.count)) {
      throw new ChatRexError('invalid-argument', `scene ${index} is not in a cache of ${key.count}`);
    }
    return Float32Array.from(JSON.parse(lines[index]) as number[]);
  };
}

/** Names a network, by its configuration and what its files hold, and the choice of its boxes. */
async function fingerprint(model: string, proposals: ProposalSettings): Promise<string> {
  const { config, weights } = await loadStoredUpn(model);
  const hash = createHash('sha256').update(JSON.stringify([config, proposals]));
  const files = new Set([...weights.values()].flatMap((weight) => ('path' in weight ? [weight.path] : [])));
  for (const path of [...files].sort()) hash.update(await readFile(path));
  return hash.digest('hex').slice(0, 12);
}
