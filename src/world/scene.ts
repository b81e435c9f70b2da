/**
 * One scene of RexWorld: an image and everything that is true of it, from a key alone (same key, same bytes).
 *
 * As in COCO a box is the extent of what can be seen of an object; a pixel belongs to the topmost layer that covers
 * half of it. Objects of which less than a quarter shows are taken out of the image, so nothing visible is unannotated.
 */

import type { BoxXyxy } from '../boxes/box.ts';
import { ChatRexError } from '../errors.ts';
import type { RgbImage } from '../image/rgb-image.ts';
import { createRandom, type Random } from '../random.ts';
import { drawBackground } from './background.ts';
import type { Category } from './categories.ts';
import { finishImage } from './image-finish.ts';
import type { Colour } from './paint.ts';
import { compositeOver, compositeShadow, countOwnedPixels, type Patch, paintersOwners, rasterise } from './raster.ts';
import { createSceneDraft, type DraftObject, type Layer } from './scene-draft.ts';
import { MAX_OBJECTS, planScene } from './scene-plan.ts';
import type { SpriteAtlas } from './sprites.ts';

/** Train, validation and test never share a scene: the split is part of the key. */
export type Split = 'train' | 'val' | 'test';

/** What a scene is made from. */
export interface SceneKey {
  readonly split: Split;
  readonly seed: number;
  readonly index: number;
  /** Pixels; 256 x 256 when absent. */
  readonly width?: number;
  readonly height?: number;
}

/** An annotated object; at least one of `isFine` and `isCoarse` holds. */
export interface SceneObject {
  readonly category: Category;
  /** Known for painted categories only. */
  readonly colour: Colour | null;
  readonly boxXyxy: BoxXyxy;
  /** Pixels that can be seen, its contents and pieces included. */
  readonly visibleArea: number;
  /** Seen share of the whole object, 0.25 to 1. */
  readonly visibleFraction: number;
  readonly isFine: boolean;
  readonly isCoarse: boolean;
  /** Index of the container or composite it is in. */
  readonly parent: number | null;
  /** Index of the table it stands on. */
  readonly support: number | null;
}

export interface Scene {
  readonly key: SceneKey;
  readonly image: RgbImage;
  readonly objects: readonly SceneObject[];
  /** "a striped background". */
  readonly background: string;
}

/** An object with less of it in sight is removed. */
const MIN_VISIBLE_FRACTION = 0.25;
/** Objects with fewer visible pixels (per 256 x 256 canvas) cannot be told apart and are removed. */
const MIN_VISIBLE_AREA = 40;
const MIN_CANVAS = 64;
const MAX_CANVAS = 4096;

/** Draws the scene of a key. */
export function renderScene(atlas: SpriteAtlas, key: SceneKey): Scene {
  return renderSceneWithOwners(atlas, key).scene;
}

/** As {@link renderScene}, with the patches and owners that the boxes come from, for tests. */
export function renderSceneWithOwners(atlas: SpriteAtlas, key: SceneKey) {
  const { split, seed, index, width = 256, height = 256 } = key;
  assertCanvas(width, height);
  const random = createRandom(`rexworld/${split}/${seed}/${index}`);
  let arranged = arrange(random.fork('plan'), atlas, width, height);
  for (let attempt = 1; !arranged.isKept.includes(true); attempt++) {
    arranged = arrange(random.fork(`plan ${attempt}`), atlas, width, height);
  }
  const { layers, patches, owners, isKept } = arranged;
  const background = drawBackground(random.fork('background'), width, height);
  const finish = random.fork('finish');
  composite(background.data, width, height, layers, patches, finish.chance(0.5) ? finish.range(0.1, 0.4) : 0);
  const image: RgbImage = { width, height, data: finishImage(finish, background.data, width, height) };
  const scene: Scene = { key, image, objects: keepVisible(arranged), background: background.phrase };
  return { scene, layers, patches, owners, isKept };
}

/** Objects in their places, and what of them can be seen. */
interface Arranged {
  readonly objects: readonly DraftObject[];
  readonly seen: readonly Seen[];
  readonly isKept: readonly boolean[];
  readonly layers: readonly Layer[];
  /** Null where the layer's object was taken out. */
  readonly patches: readonly (Patch | null)[];
  readonly owners: Int16Array;
}

/** Plans a scene and takes out what cannot be seen; taking out only ever uncovers the rest. */
function arrange(random: Random, atlas: SpriteAtlas, width: number, height: number): Arranged {
  const draft = createSceneDraft(random, atlas);
  planScene(draft, width, height);
  const { objects } = draft;
  const layers = draft.groups.flatMap((group) => group.layers);
  const all = layers.map(({ placement }) => rasterise(placement));
  const totals = all.map(countOwnedPixels);
  const ownersOfAll = paintersOwners(all, width, height);
  const seenOfAll = measure(objects, layers, totals, ownersOfAll, width);
  const isKept = chooseVisible(objects, seenOfAll, (MIN_VISIBLE_AREA * width * height) / 256 ** 2);
  if (!isKept.includes(false)) return { objects, seen: seenOfAll, isKept, layers, patches: all, owners: ownersOfAll };
  const patches = all.map((patch, layer) => (isKept[layers[layer].object] ? patch : null));
  const owners = paintersOwners(patches, width, height);
  const seen = measure(objects, layers, totals, owners, width, isKept);
  return { objects, seen, isKept, layers, patches, owners };
}

/** @throws ChatRexError `invalid-argument` for a canvas on which nothing could be recognised, or a huge one. */
function assertCanvas(width: number, height: number): void {
  const isFit = (side: number) => Number.isInteger(side) && side >= MIN_CANVAS && side <= MAX_CANVAS;
  if (isFit(width) && isFit(height)) return;
  throw new ChatRexError(
    'invalid-argument',
    `World canvas: expected whole sides of ${MIN_CANVAS} to ${MAX_CANVAS} pixels, got ${width} x ${height}; choose others.`,
  );
}

interface Seen {
  left: number;
  top: number;
  right: number;
  bottom: number;
  area: number;
  total: number;
}

/** Extent and area of each object's visible pixels; a whole includes its pieces and contents. */
function measure(
  objects: readonly DraftObject[],
  layers: readonly Layer[],
  totals: readonly number[],
  owners: Int16Array,
  width: number,
  isKept?: readonly boolean[],
): Seen[] {
  const seen = objects.map((): Seen => ({ left: Infinity, top: Infinity, right: 0, bottom: 0, area: 0, total: 0 }));
  for (let at = 0; at < owners.length; at++) {
    if (owners[at] < 0) continue;
    const one = seen[layers[owners[at]].object];
    const x = at % width;
    const y = (at - x) / width;
    if (x < one.left) one.left = x;
    if (x >= one.right) one.right = x + 1;
    if (y < one.top) one.top = y;
    one.bottom = y + 1;
    one.area++;
  }
  layers.forEach(({ object }, layer) => {
    seen[object].total += totals[layer];
  });
  // Children come after their parents, so going backwards folds grandchildren in before children.
  for (let index = objects.length - 1; index >= 0; index--) {
    const { parent } = objects[index];
    if (parent === null || isKept?.[index] === false) continue;
    const [child, whole] = [seen[index], seen[parent]];
    whole.left = Math.min(whole.left, child.left);
    whole.top = Math.min(whole.top, child.top);
    whole.right = Math.max(whole.right, child.right);
    whole.bottom = Math.max(whole.bottom, child.bottom);
    whole.area += child.area;
    whole.total += child.total;
  }
  return seen;
}

/** Which objects stay: enough of them shows, their whole stays, and there is still an index left for them. */
function chooseVisible(objects: readonly DraftObject[], seen: readonly Seen[], minimumArea: number): boolean[] {
  const isKept: boolean[] = [];
  let count = 0;
  objects.forEach(({ parent }, index) => {
    const { area, total } = seen[index];
    const isSeen = area >= minimumArea && area >= total * MIN_VISIBLE_FRACTION;
    isKept[index] = isSeen && count < MAX_OBJECTS && (parent === null || isKept[parent]);
    if (isKept[index]) count++;
  });
  // A whole that is nothing but its pieces goes when fewer than two of them are left.
  objects.forEach(({ category, parent }, index) => {
    if (parent !== null && !isKept[parent]) isKept[index] = false;
    if (category.kind !== 'composite' && category.name !== 'table') return;
    const pieces = objects.filter((other, at) => other.parent === index && isKept[at]);
    if (pieces.length < 2) isKept[index] = false;
  });
  return isKept;
}

/** Draws the layers with their shadows over a background. */
export function composite(
  data: Uint8Array,
  width: number,
  height: number,
  layers: readonly Layer[],
  patches: readonly (Patch | null)[],
  shadow: number,
): void {
  layers.forEach(({ placement }, layer) => {
    const patch = patches[layer];
    if (!patch) return;
    if (shadow > 0) {
      const drop = Math.max(1, placement.height * 0.05);
      const under = rasterise(
        { ...placement, colour: null, centreX: placement.centreX + drop, centreY: placement.centreY + drop },
        2,
      );
      compositeShadow(data, width, height, under, shadow);
    }
    compositeOver(data, width, height, patch);
  });
}

/** The kept objects with indices renumbered. */
function keepVisible({ objects, seen, isKept }: Arranged): SceneObject[] {
  const newIndex: number[] = [];
  let count = 0;
  isKept.forEach((kept, index) => {
    newIndex[index] = kept ? count++ : -1;
  });
  const moved = (index: number | null) => (index === null || !isKept[index] ? null : newIndex[index]);
  return objects.flatMap(({ category, colour, grain, parent, support }, index): SceneObject[] => {
    if (!isKept[index]) return [];
    const { left, top, right, bottom, area, total } = seen[index];
    return [
      {
        category,
        colour,
        boxXyxy: [left, top, right, bottom],
        visibleArea: area,
        visibleFraction: area / total,
        isFine: grain !== 'coarse',
        isCoarse: grain !== 'fine',
        parent: moved(parent),
        support: moved(support),
      },
    ];
  });
}
