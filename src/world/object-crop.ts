/**
 * One object in the middle of a small image with clutter around it: what an encoder learns the world's categories from
 * before it sees scenes.
 */

import type { RgbImage } from '../image/rgb-image.ts';
import type { Random } from '../random.ts';
import { drawBackground } from './background.ts';
import { CATEGORIES, type Category } from './categories.ts';
import { COMPOSITES } from './composites.ts';
import { CONTAINERS } from './containers.ts';
import { finishImage } from './image-finish.ts';
import type { Colour } from './paint.ts';
import { pickCategory } from './pick-category.ts';
import { rasterise } from './raster.ts';
import { composite } from './scene.ts';
import { createSceneDraft, type SceneDraft } from './scene-draft.ts';
import { placeThing } from './scene-plan.ts';
import type { SpriteAtlas } from './sprite-atlas.ts';

export interface ObjectCrop {
  readonly image: RgbImage;
  readonly category: Category;
  readonly colour: Colour | null;
}

/** Categories that have a crop: all but the table, which is only drawn with room around it. */
const CROPPED = CATEGORIES.filter(({ name }) => name !== 'table');
/** Share of crops whose category ignores the long tail, so that rare ones are learned too. */
const EVEN_SHARE = 0.6;

/** A random object of `size` x `size` pixels; the object covers 45 to 100 % of the side. */
export function renderObjectCrop(atlas: SpriteAtlas, random: Random, size: number): ObjectCrop {
  const draft = createSceneDraft(random, atlas);
  for (let count = random.int(0, 3); count > 0; count--) {
    placeThing(
      draft,
      pickCategory(random),
      random.range(0, size),
      random.range(0, size),
      random.range(0.2, 0.7) * size,
    );
  }
  const category = random.chance(EVEN_SHARE) ? random.pick(CROPPED) : pickCategory(random);
  const target = placeTarget(draft, category, size);
  const layers = draft.groups.flatMap((group) => group.layers);
  const background = drawBackground(random, size, size);
  const shadow = random.chance(0.5) ? random.range(0.1, 0.4) : 0;
  composite(
    background.data,
    size,
    size,
    layers,
    layers.map(({ placement }) => rasterise(placement)),
    shadow,
  );
  const image = { width: size, height: size, data: finishImage(random, background.data, size, size) };
  return { image, category, colour: draft.objects[target].colour };
}

/** Draws the target last, over the clutter, near the middle; returns its object. */
function placeTarget(draft: SceneDraft, category: Category, size: number): number {
  const { random } = draft;
  const side = size * random.range(0.45, 1);
  const [centreX, centreY] = [0, 1].map(() => size / 2 + random.range(-0.5, 0.5) * Math.max(size - side, size * 0.1));
  const assembly = CONTAINERS[category.name] ?? COMPOSITES[category.name];
  if (assembly) return assembly(draft, { centreX, centreY, size: side });
  placeThing(draft, category, centreX, centreY, side * Math.min(1, 1 / draft.aspect(category.name)));
  return draft.objects.length - 1;
}
