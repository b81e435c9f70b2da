/** COCO's images with their boxes, and which boxes of a network are right by COCO's rules. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GroundTruthBox } from '../../src/evaluation/metrics/records.ts';
import type { Proposals } from '../../src/proposals/post-process.ts';

export interface AnnotatedImage {
  readonly id: number;
  readonly path: string;
  readonly truths: readonly GroundTruthBox[];
  /** Category ids by name. */
  readonly categoryIds: ReadonlyMap<string, number>;
}

interface CocoFile {
  readonly images: readonly { id: number; file_name: string; split?: string }[];
  readonly annotations: readonly {
    image_id: number;
    category_id: number;
    bbox: [number, number, number, number];
    area?: number;
    iscrowd?: number;
  }[];
  readonly categories: readonly { id: number; name: string }[];
}

/** The images of a folder that have boxes; of one split only, where the file says of which each is. */
export async function annotatedImages(folder: string, split?: string): Promise<AnnotatedImage[]> {
  const file: CocoFile = JSON.parse(await readFile(join(folder, 'instances.json'), 'utf8'));
  const categoryIds = new Map(file.categories.map(({ id, name }) => [name, id]));
  const isOfSplit = (image: { split?: string }) => !split || !image.split || image.split === split;
  return file.images.filter(isOfSplit).flatMap(({ id, file_name: name }) => {
    const truths = file.annotations
      .filter(({ image_id: imageId }) => imageId === id)
      .map(({ category_id: categoryId, bbox: boxXywh, area, iscrowd }) => ({
        ...{ imageId: id, categoryId, boxXywh, area },
        isCrowd: iscrowd === 1,
      }));
    return truths.length === 0 ? [] : [{ id, path: join(folder, 'images', name), truths, categoryIds }];
  });
}

export interface RightBoxes {
  /** Whether a box has an IoU of at least .5 with an object that no better box took. */
  readonly isObject: readonly boolean[];
  /** Whether it also has the name of that object. */
  readonly isNamed: readonly boolean[];
  /** Whether it is wrong, and lies in a crowd, of which nobody counts the members. */
  readonly isIgnored: readonly boolean[];
}

/** Boxes in the order of their scores each take the free object that they overlap most. */
export function rightBoxes(
  found: Pick<Proposals, 'boxesXyxy' | 'scores' | 'categories'>,
  image: AnnotatedImage,
): RightBoxes {
  const objects = image.truths.filter(({ isCrowd }) => !isCrowd);
  const crowds = image.truths.filter(({ isCrowd }) => isCrowd);
  const taken = new Set<GroundTruthBox>();
  const count = found.scores.length;
  const [isObject, isNamed, isIgnored] = [0, 1, 2].map(() => new Array<boolean>(count).fill(false));
  const order = [...found.scores.keys()].sort((a, b) => found.scores[b] - found.scores[a]);
  for (const i of order) {
    const box = Array.from(found.boxesXyxy.subarray(4 * i, 4 * i + 4));
    const free = objects.filter((truth) => !taken.has(truth));
    const best = free.reduce<{ truth?: GroundTruthBox; iou: number }>(
      (most, truth) => {
        const iou = overlap(box, truth.boxXywh).iou;
        return iou >= most.iou ? { truth, iou } : most;
      },
      { iou: 0.5 },
    );
    if (best.truth) {
      taken.add(best.truth);
      isObject[i] = true;
      isNamed[i] = image.categoryIds.get(found.categories?.[i] ?? '') === best.truth.categoryId;
    } else isIgnored[i] = crowds.some(({ boxXywh }) => overlap(box, boxXywh).inside >= 0.5);
  }
  return { isObject, isNamed, isIgnored };
}

/** Intersection over union, and the share of the first box that lies in the second. */
function overlap([x1, y1, x2, y2]: readonly number[], [x, y, width, height]: readonly number[]) {
  const across = Math.max(0, Math.min(x2, x + width) - Math.max(x1, x));
  const down = Math.max(0, Math.min(y2, y + height) - Math.max(y1, y));
  const area = (x2 - x1) * (y2 - y1);
  return { iou: (across * down) / (area + width * height - across * down), inside: (across * down) / area };
}
