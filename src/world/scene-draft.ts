/**
 * A scene being put together: objects in a tree, and the layers of sprites that draw them.
 */

import type { Random } from '../random.ts';
import { type Category, categoryNamed } from './categories.ts';
import { PART_SPRITES } from './drawn-names.ts';
import { COLOUR_NAMES, type Colour } from './paint.ts';
import type { Placement } from './raster.ts';
import type { Sprite, SpriteAtlas } from './sprites.ts';

/** Which annotations an object belongs to: pieces are fine, wholes with their contents coarse, plain things both. */
export type Grain = 'fine' | 'coarse' | 'both';

/** An object before it is known what of it can be seen. */
export interface DraftObject {
  readonly category: Category;
  readonly colour: Colour | null;
  readonly grain: Grain;
  /** The container or composite that holds it, an index into the draft's objects. */
  readonly parent: number | null;
  /** The table it stands on, an index into the draft's objects. */
  readonly support: number | null;
}

/** One sprite of one object. */
export interface Layer {
  readonly object: number;
  readonly placement: Placement;
}

/** Layers that stay together when things are ordered from back to front. */
export interface Group {
  readonly layers: Layer[];
  /** Where it stands: lower on the canvas means nearer. */
  baseY: number;
}

export interface LayerOptions {
  /** Canvas pixels; by default as the sprite's aspect demands. */
  height?: number;
  rotation?: number;
  isFlipped?: boolean;
  sprite?: string;
}

export interface DraftObjectOptions {
  grain?: Grain;
  parent?: number | null;
  support?: number | null;
  colour?: Colour | null;
}

/** Collects objects and layers. */
export interface SceneDraft {
  readonly random: Random;
  readonly objects: DraftObject[];
  readonly groups: Group[];
  addObject(category: Category | string, options?: DraftObjectOptions): number;
  startGroup(baseY: number): Group;
  /** Draws `object` with its category's sprite (or another one) into the group. */
  addLayer(group: Group, object: number, centreX: number, centreY: number, width: number, options?: LayerOptions): void;
  /** Height over width of a category's sprite or a named one. */
  aspect(name: string): number;
}

/** An empty draft that takes its sprites from `atlas`. */
export function createSceneDraft(random: Random, atlas: SpriteAtlas): SceneDraft {
  const objects: DraftObject[] = [];
  const groups: Group[] = [];
  const spriteNamed = (name: string): Sprite => atlas.sprites.get(PART_SPRITES[name] ?? name)!;
  const aspect = (name: string) => {
    const { width, height } = spriteNamed(name).levels[0];
    return height / width;
  };
  return {
    random,
    objects,
    groups,
    aspect,
    addObject: (nameOrCategory, options = {}) => {
      const category = typeof nameOrCategory === 'string' ? categoryNamed(nameOrCategory) : nameOrCategory;
      const colour = category.isPainted ? (options.colour ?? random.pick(COLOUR_NAMES)) : null;
      const { grain = 'both', parent = null, support = null } = options;
      return objects.push({ category, colour, grain, parent, support }) - 1;
    },
    startGroup: (baseY) => {
      const group = { layers: [], baseY };
      groups.push(group);
      return group;
    },
    addLayer: (group, object, centreX, centreY, width, options = {}) => {
      const { category, colour } = objects[object];
      const name = options.sprite ?? category.name;
      group.layers.push({
        object,
        placement: {
          sprite: spriteNamed(name),
          centreX,
          centreY,
          width,
          height: options.height ?? width * aspect(name),
          rotation: options.rotation ?? 0,
          isFlipped: options.isFlipped ?? false,
          colour,
        },
      });
    },
  };
}
