/**
 * What a stream of RexWorld delivers, item by item: scenes with samples, or batches of object crops. An item depends on
 * its index alone, so it is the same whichever thread makes it.
 */

import type { Conversation } from '../datasets/sample.ts';
import { createRandom } from '../random.ts';
import { renderObjectCrop } from './object-crop.ts';
import { makeSamples, type SampleOptions, sampleRandom } from './samples.ts';
import { renderScene, type Scene, type Split } from './scene.ts';
import type { SpriteAtlas } from './sprite-atlas.ts';

/** Scenes `from`, `from + 1` ...; with `samples`, questions and answers too. */
export interface SceneJob {
  readonly kind: 'scenes';
  readonly split: Split;
  readonly seed: number;
  readonly width?: number;
  readonly height?: number;
  readonly samples?: SampleOptions;
}

/** Batches of single objects for classification. */
export interface CropJob {
  readonly kind: 'crops';
  readonly split: Split;
  readonly seed: number;
  /** Side of a crop in pixels. */
  readonly size: number;
  readonly batch: number;
}

export interface SceneItem {
  readonly index: number;
  readonly scene: Scene;
  /** Empty when the job asks for none. */
  readonly samples: readonly Conversation[];
}

export interface CropBatch {
  readonly index: number;
  /** [batch, size, size, 3] bytes. */
  readonly images: Uint8Array;
  /** [batch] category ids. */
  readonly categories: Int32Array;
}

export type WorldJob = SceneJob | CropJob;
export type WorldItem<Job extends WorldJob> = Job extends SceneJob ? SceneItem : CropBatch;

/** Makes one item. */
export function makeItem<Job extends WorldJob>(atlas: SpriteAtlas, job: Job, index: number): WorldItem<Job>;
export function makeItem(atlas: SpriteAtlas, job: WorldJob, index: number): SceneItem | CropBatch {
  return job.kind === 'scenes' ? makeSceneItem(atlas, job, index) : makeCropBatch(atlas, job, index);
}

function makeSceneItem(
  atlas: SpriteAtlas,
  { split, seed, width, height, samples }: SceneJob,
  index: number,
): SceneItem {
  const scene = renderScene(atlas, { split, seed, index, width, height });
  return { index, scene, samples: samples ? makeSamples(scene, sampleRandom(scene), samples) : [] };
}

function makeCropBatch(atlas: SpriteAtlas, { split, seed, size, batch }: CropJob, index: number): CropBatch {
  const random = createRandom(`rexworld/${split}/${seed}/crops/${index}`);
  const images = new Uint8Array(batch * size * size * 3);
  const categories = new Int32Array(batch);
  for (let at = 0; at < batch; at++) {
    const crop = renderObjectCrop(atlas, random, size);
    images.set(crop.image.data, at * size * size * 3);
    categories[at] = crop.category.id;
  }
  return { index, images, categories };
}

/** The buffer of an item that can be moved to another thread. */
export function transferableOf(item: SceneItem | CropBatch): ArrayBuffer {
  return ('scene' in item ? item.scene.image.data : item.images).buffer as ArrayBuffer;
}
