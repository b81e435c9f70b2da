/** RexWorld as a data set: scenes rendered once into a cache, questions and answers made when they are asked for. */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import type { ConversationWish, Dataset, OpenContext } from '../datasets/dataset.ts';
import { derive } from '../datasets/derived.ts';
import type { Conversation, Region, Sample } from '../datasets/sample.ts';
import { ChatRexError } from '../errors.ts';
import { CATEGORIES } from './categories.ts';
import { COLOUR_NAMES } from './paint.ts';
import type { RegionCaptionStyle, RegionQuestion, WorldTask } from './sample.ts';
import { makeSamples } from './samples.ts';
import type { Scene, SceneObject } from './scene.ts';
import { unpackScene } from './scene-record.ts';
import { worldPhrases } from './vocabulary.ts';

/** Options of a spec: `world:train,seed=1,size=10000`. */
export const worldOptions = z.strictObject({
  /** Splits never share a scene. */
  split: z.enum(['train', 'val', 'test']),
  seed: z.int().nonnegative().default(1),
  /** Number of scenes. */
  size: z.int().positive(),
  width: z.int().min(64).max(4096).default(256),
  height: z.int().min(64).max(4096).default(256),
});

export type WorldOptions = z.input<typeof worldOptions>;

export interface WorldDataset extends Dataset {
  /** The scene behind a sample: everything that is true of it. */
  scene(index: number): Promise<Scene>;
}

/** Raised when the same key gives other scenes. */
const version = 1;
/** Scenes of one file of the cache: 3 MB at 256 x 256. */
const blockSize = 16;
/** Scenes that are kept: a sample, its image and its conversations are asked for one after the other. */
const keptScenes = 8;

/**
 * Renders what the cache lacks, then opens the scenes.
 * @throws ChatRexError 'aborted' by the context's signal
 * @example const world = await openWorldDataset({ split: 'train', size: 1000 }, { cacheFolder: 'runs/cache' });
 */
export async function openWorldDataset(
  options: WorldOptions,
  { cacheFolder, signal, onStatus }: OpenContext,
): Promise<WorldDataset> {
  const { size, ...key } = worldOptions.parse(options);
  const { split, seed, width, height } = key;
  const name = `world-${split}-${seed}${width === 256 && height === 256 ? '' : `-${width}x${height}`}`;
  const scenes = await derive<Scene>(
    {
      folder: join(cacheFolder, `${name}-v${version}`),
      // Whole blocks, so that a larger set of the same seed finds them.
      size: Math.ceil(size / blockSize) * blockSize,
      blockSize,
      worker: { module: './scene-worker.ts', base: import.meta.url, data: key },
      unpack: unpackScene,
    },
    { signal, onProgress: (done) => onStatus?.(`rendering scenes ${Math.min(done, size)}/${size}`) },
  );
  const kept = new Map<number, Promise<Scene>>();
  const scene = (index: number): Promise<Scene> => {
    if (!(Number.isInteger(index) && index >= 0 && index < size)) {
      throw new ChatRexError('invalid-argument', `${name}: expected an index from 0 to ${size - 1}, came ${index}`);
    }
    const known = kept.get(index);
    if (known) return known;
    const read = scenes.at(index);
    kept.set(index, read);
    if (kept.size > keptScenes) kept.delete(kept.keys().next().value as number);
    return read;
  };
  return {
    name,
    fingerprint: createHash('sha256')
      .update(JSON.stringify([version, key, size]))
      .digest('hex')
      .slice(0, 16),
    size,
    vocabulary: CATEGORIES.map(({ id, name: category, frequency }) => ({
      name: category,
      frequency: frequency[0] as 'r' | 'c' | 'f',
      sourceId: id + 1,
    })),
    attributes: { color: COLOUR_NAMES },
    wordList: worldPhrases(),
    scene,
    sample: async (index) => sampleOf(await scene(index)),
    imageSize: async () => ({ width, height }),
    image: async (index) => (await scene(index)).image,
    conversations: async (index, wish) => conversationsOf(await scene(index), wish),
    close: async () => kept.clear(),
  };
}

/** What is annotated of a scene. Nothing visible is unannotated, for either prompt. */
export function sampleOf({ key: { split, seed, index }, objects, image }: Scene): Sample {
  return {
    id: `${split}/${seed}/${index}`,
    image: { file: `rexworld/${split}/${seed}/${index}`, size: { width: image.width, height: image.height } },
    regions: objects.map(regionOf),
    phrases: [],
    conversations: [],
    coverage: { complete: ['fine', 'coarse'], isClosed: true },
  };
}

function regionOf({ boxXyxy, category, colour, visibleArea, isFine, isCoarse, parent }: SceneObject): Region {
  return {
    boxXyxy,
    category: category.name,
    granularities: [...(isFine ? (['fine'] as const) : []), ...(isCoarse ? (['coarse'] as const) : [])],
    areaPixels: visibleArea,
    ...(colour && { attributes: { color: colour } }),
    ...(parent !== null && { partOf: parent }),
  };
}

function conversationsOf(
  scene: Scene,
  { counts, kinds, regionStyle, wordings, random }: ConversationWish,
): Conversation[] {
  return makeSamples(scene, random, {
    phrasings: wordings,
    perTask: counts as Readonly<Partial<Record<WorldTask, number>>>,
    regionStyle: regionStyle as RegionCaptionStyle | undefined,
    regionQuestions: kinds as readonly RegionQuestion[] | undefined,
  });
}
