/** Scenes as batches for UPN training: pixels, objects as shares of the image, and their names. */

import { xyxyToCxcywh } from '../../boxes/convert.ts';
import { createImageBatch, IMAGENET_STATISTICS, setImage } from '../../image/normalize.ts';
import type { Granularity } from '../../proposals/network.ts';
import { createRandom } from '../../random.ts';
import { type HostTensor, hostTensor } from '../../runtime/host-tensor.ts';
import type { Scene } from '../../world/scene.ts';
import { lookAt, randomView, wholeView } from '../data/view.ts';
import type { NamedObject } from '../vision/naming.ts';
import type { Objects } from './targets.ts';

export interface UpnBatch {
  readonly feeds: Readonly<Record<string, HostTensor>>;
  /** Per prompt, per image. */
  readonly objects: Readonly<Record<Granularity, readonly Objects[]>>;
  /** Per image, in random order. */
  readonly named: readonly (readonly NamedObject[])[];
}

/** @param key decides the augmentation: same key, same batch; without it images stay as they are */
export function upnBatch(scenes: readonly Scene[], imageSize: number, key?: string): UpnBatch {
  const images = createImageBatch(scenes.length, { width: imageSize, height: imageSize });
  const objects: Record<Granularity, Objects[]> = { fine: [], coarse: [] };
  const named = scenes.map((scene, i) => {
    const random = createRandom(`${key}/${i}`);
    const seen = lookAt(scene, key === undefined ? wholeView(scene) : randomView(scene, random), imageSize);
    setImage(images, i, seen.image, IMAGENET_STATISTICS);
    for (const granularity of ['fine', 'coarse'] as const) {
      const boxes = seen.objects
        .filter(({ isFine, isCoarse }) => (granularity === 'fine' ? isFine : isCoarse))
        .flatMap(({ boxXyxy }) => boxXyxy.map((value) => value / imageSize));
      objects[granularity].push(xyxyToCxcywh(Float32Array.from(boxes)));
    }
    return random.shuffle(seen.objects);
  });
  const shape = [scenes.length, 3, imageSize, imageSize];
  return { feeds: { pixels: hostTensor('float32', shape, images.pixels) }, objects, named };
}
