/** A detector as the grounder: it finds what the last words of a phrase name, if that is one of its categories. */

import { loadProposalNetwork } from '../../proposals/load-proposal-network.ts';
import type { ProposalNetwork } from '../../proposals/proposal-network.ts';
import { categoryOfPhrase } from './category-of-phrase.ts';
import type { GroundedBox, Grounder, ImageView } from './roles.ts';

/** Raise it when an answer would be read in another way. */
const parser = 'detector/1';
/** Least probability that a box is right and has the right name. `--min-score` asks for more. */
const leastScore = 0.3;
/** Boxes of one category that overlap by more are one thing. */
const nmsIou = 0.6;

export interface DetectorSettings {
  readonly folder: string;
  readonly revision: string;
  readonly threads?: number;
}

/** What was found in an image: boxes of each category that is there. */
type Found = Readonly<Record<string, readonly GroundedBox[]>>;

export class DetectorGrounder implements Grounder {
  readonly #settings: DetectorSettings;
  #network: Promise<ProposalNetwork> | undefined;
  /** Captions of one image come one after another. */
  #last: { readonly hash: string; readonly found: Promise<Found> } | undefined;

  constructor(settings: DetectorSettings) {
    this.#settings = settings;
  }

  /** One call an image, whatever is asked for. */
  async ground(image: ImageView, queries: readonly string[]): Promise<readonly (readonly GroundedBox[])[]> {
    const { folder, revision, threads } = this.#settings;
    this.#network ??= loadProposalNetwork(folder, { session: { threads } });
    const network = await this.#network;
    const identity = { prompt: '', model: 'detector', revision, parameters: { leastScore, nmsIou }, parser };
    const found = await image.calls.call('ground', identity, async () => ({
      value: await this.#find(network, image),
      usage: { input: 0, output: 0 },
    }));
    return queries.map((query) => {
      const category = categoryOfPhrase(query, network.categories);
      return category === undefined ? [] : (found[category] ?? []);
    });
  }

  #find(network: ProposalNetwork, image: ImageView): Promise<Found> {
    if (this.#last?.hash === image.hash) return this.#last.found;
    const found = find(network, image);
    this.#last = { hash: image.hash, found };
    // What failed for one caption is tried again for the next.
    found.catch(() => {
      if (this.#last?.found === found) this.#last = undefined;
    });
    return found;
  }

  async dispose(): Promise<void> {
    await (await this.#network)?.dispose();
  }
}

async function find(network: ProposalNetwork, { bytes, signal }: ImageView): Promise<Found> {
  const options = { granularity: 'coarse', minScore: leastScore, nmsIou, signal } as const;
  const [{ boxesXyxy, scores, categories = [], categoryScores = scores }] = await network.propose([bytes], options);
  const found: Record<string, GroundedBox[]> = {};
  for (const [at, category] of categories.entries()) {
    if (categoryScores[at] < leastScore) continue;
    const [left, top, right, bottom] = boxesXyxy.subarray(4 * at, 4 * at + 4);
    found[category] ??= [];
    found[category].push({
      boxXyxy: [left, top, right, bottom],
      score: Math.round(categoryScores[at] * 1e4) / 1e4,
    });
  }
  return found;
}
