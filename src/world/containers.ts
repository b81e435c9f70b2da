/**
 * Holders of things: basket, bowl, plate, tray, box, crate, shelf, cart. The whole with its contents is one coarse
 * object; every item and every part (handle, wheel, flap, board) is a fine one.
 */

import type { Random } from '../random.ts';
import { CATEGORIES, type Category } from './categories.ts';
import { pickCategory } from './pick-category.ts';
import type { Group, SceneDraft } from './scene-draft.ts';

/** A square on the canvas that an assembly fills as well as its shape allows. */
export interface Frame {
  readonly centreX: number;
  readonly centreY: number;
  readonly size: number;
}

/** Puts one assembly into the draft and returns the object that is the whole. */
export type Assembly = (draft: SceneDraft, frame: Frame) => number;

const USUAL_CONTENTS: Readonly<Record<string, readonly string[]>> = {
  basket: ['fruit', 'vegetable', 'flower', 'toy'],
  bowl: ['fruit', 'food', 'vegetable'],
  plate: ['food', 'fruit', 'vegetable'],
  tray: ['food', 'dish'],
  box: ['toy', 'tool', 'stationery', 'device'],
  crate: ['fruit', 'vegetable', 'sea creature', 'tool'],
  shelf: ['toy', 'dish', 'stationery', 'household item', 'instrument', 'plant'],
  cart: ['food', 'fruit', 'household item', 'bag', 'toy'],
};

/** Every container by its category's name. */
export const CONTAINERS: Readonly<Record<string, Assembly>> = {
  basket: (draft, { centreX, centreY, size }) => {
    const group = draft.startGroup(centreY + size * 0.4);
    const basket = draft.addObject('basket', { grain: 'coarse' });
    const rimY = centreY - size * 0.02;
    draft.addLayer(group, basket, centreX, rimY, size * 0.95, { sprite: 'basket-back' });
    if (draft.random.chance(0.6)) {
      const handle = draft.addObject('basket handle', { grain: 'fine', parent: basket });
      draft.addLayer(group, handle, centreX, rimY - size * 0.3, size * 0.82, {
        height: size * 0.62,
      });
    }
    fillHeap(draft, group, basket, { centreX, baseY: rimY + size * 0.06, width: size * 0.72 });
    draft.addLayer(group, basket, centreX, rimY + size * 0.26, size * 0.95, { sprite: 'basket-front' });
    return basket;
  },
  bowl: (draft, { centreX, centreY, size }) => {
    const group = draft.startGroup(centreY + size * 0.35);
    const bowl = draft.addObject('bowl', { grain: 'coarse' });
    const rimY = centreY + size * 0.02;
    draft.addLayer(group, bowl, centreX, rimY, size * 0.95, { sprite: 'bowl-back' });
    fillHeap(draft, group, bowl, { centreX, baseY: rimY + size * 0.04, width: size * 0.7 });
    draft.addLayer(group, bowl, centreX, rimY + size * 0.24, size * 0.95, { sprite: 'bowl-front' });
    return bowl;
  },
  plate: (draft, frame) => fillSurface(draft, frame, 'plate', 0.08),
  tray: (draft, frame) => fillSurface(draft, frame, 'tray', 0.05),
  box: (draft, { centreX, centreY, size }) => {
    const group = draft.startGroup(centreY + size * 0.4);
    const box = draft.addObject('box', { grain: 'coarse' });
    const rimY = centreY;
    draft.addLayer(group, box, centreX, rimY - size * 0.03, size * 0.86, { sprite: 'box-back' });
    fillHeap(draft, group, box, { centreX, baseY: rimY + size * 0.05, width: size * 0.66 });
    draft.addLayer(group, box, centreX, rimY + size * 0.23, size * 0.86, { sprite: 'box-front', height: size * 0.44 });
    if (draft.random.chance(0.7)) {
      for (const side of [-1, 1]) {
        const flap = draft.addObject('box flap', { grain: 'fine', parent: box });
        const x = centreX + side * size * 0.46;
        draft.addLayer(group, flap, x, rimY + size * 0.1, size * 0.24, { isFlipped: side > 0 });
      }
    }
    return box;
  },
  crate: (draft, { centreX, centreY, size }) => {
    const group = draft.startGroup(centreY + size * 0.4);
    const crate = draft.addObject('crate', { grain: 'coarse' });
    draft.addLayer(group, crate, centreX, centreY + size * 0.04, size * 0.9, { sprite: 'crate-back' });
    fillHeap(draft, group, crate, { centreX, baseY: centreY + size * 0.12, width: size * 0.68 });
    draft.addLayer(group, crate, centreX, centreY + size * 0.24, size * 0.95, { sprite: 'crate-front' });
    return crate;
  },
  shelf: (draft, { centreX, centreY, size }) => {
    const { random } = draft;
    const group = draft.startGroup(centreY + size * 0.5);
    const shelf = draft.addObject('shelf', { grain: 'coarse' });
    draft.addLayer(group, shelf, centreX, centreY, size * 0.9, { sprite: 'shelf-frame', height: size });
    const levels = random.int(2, 3);
    const contents = chooseContents(random, 'shelf', random.int(1, 3));
    for (let level = 0; level < levels; level++) {
      const boardY = centreY - size * 0.47 + ((level + 1) * size * 0.92) / levels;
      const board = draft.addObject('shelf board', {
        grain: 'fine',
        parent: shelf,
        colour: draft.objects[shelf].colour,
      });
      draft.addLayer(group, board, centreX, boardY, size * 0.84, { height: size * 0.05 });
      const columns = random.int(1, levels === 2 ? 3 : 4);
      const side = Math.min((size * 0.8) / columns, (size * 0.92) / levels) * 0.82;
      for (let column = 0; column < columns; column++) {
        if (random.chance(0.15)) continue;
        const x = centreX + ((column + 0.5) / columns - 0.5) * size * 0.8;
        addItem(draft, group, shelf, random.pick(contents), { x, baseY: boardY - size * 0.02, side, tilt: 0 });
      }
    }
    return shelf;
  },
  cart: (draft, { centreX, centreY, size }) => {
    const group = draft.startGroup(centreY + size * 0.45);
    const cart = draft.addObject('cart', { grain: 'coarse' });
    const handle = draft.addObject('cart handle', { grain: 'fine', parent: cart });
    const rimY = centreY - size * 0.02;
    draft.addLayer(group, handle, centreX - size * 0.4, rimY - size * 0.02, size * 0.22);
    draft.addLayer(group, cart, centreX + size * 0.04, rimY, size * 0.76, { sprite: 'cart-back' });
    fillHeap(draft, group, cart, { centreX: centreX + size * 0.04, baseY: rimY + size * 0.04, width: size * 0.62 });
    draft.addLayer(group, cart, centreX + size * 0.04, rimY + size * 0.16, size * 0.8, { sprite: 'cart-front' });
    for (const side of [-1, 1]) {
      const wheel = draft.addObject('cart wheel', { grain: 'fine', parent: cart });
      const x = centreX + size * (0.04 + side * 0.22);
      draft.addLayer(group, wheel, x, rimY + size * 0.36, size * 0.2);
    }
    return cart;
  },
};

/** Which things a holder or a composite is made of this time. */
export function chooseContents(random: Random, container: string, kinds: number): Category[] {
  const supers = USUAL_CONTENTS[container];
  const allowed = random.chance(0.8) ? CATEGORIES.filter(({ hypernyms }) => supers.includes(hypernyms[0])) : CATEGORIES;
  return Array.from({ length: kinds }, () => pickCategory(random, allowed));
}

/** Adds an item standing on `baseY`, its longer side `side` pixels. */
export function addItem(
  draft: SceneDraft,
  group: Group,
  parent: number,
  category: Category,
  { x, baseY, side, tilt }: { x: number; baseY: number; side: number; tilt: number },
): number {
  const { random } = draft;
  const item = draft.addObject(category, { grain: 'fine', parent });
  const aspect = draft.aspect(category.name);
  const width = side * Math.min(1, 1 / aspect);
  const rotation = random.range(-tilt, tilt);
  draft.addLayer(group, item, x, baseY - (width * aspect) / 2, width, { rotation, isFlipped: random.chance(0.5) });
  return item;
}

/** Items that look out over the rim: a row behind, a row before. */
function fillHeap(
  draft: SceneDraft,
  group: Group,
  parent: number,
  { centreX, baseY, width }: { centreX: number; baseY: number; width: number },
): void {
  const { random } = draft;
  const contents = chooseContents(
    random,
    draft.objects[parent].category.name,
    random.weighted([
      [1, 5],
      [2, 3],
      [3, 1],
    ]),
  );
  const columns = random.int(2, 4);
  const side = Math.min(width * 0.52, (width / columns) * 1.35);
  const place = (column: number, count: number, lift: number) =>
    addItem(draft, group, parent, random.pick(contents), {
      x: centreX + ((column + 0.5) / count - 0.5) * width + random.range(-0.04, 0.04) * width,
      baseY: baseY - side * lift,
      side: side * random.range(0.9, 1.1),
      tilt: 0.35,
    });
  if (random.chance(0.6)) for (let column = 0; column < columns - 1; column++) place(column, columns - 1, 0.5);
  for (let column = 0; column < columns; column++) place(column, columns, random.range(-0.15, 0.05));
}

/** A flat holder seen from above: one to five things on it. */
function fillSurface(draft: SceneDraft, { centreX, centreY, size }: Frame, name: string, depth: number): number {
  const { random } = draft;
  const group = draft.startGroup(centreY + size * 0.3);
  const holder = draft.addObject(name, { grain: 'coarse' });
  draft.addLayer(group, holder, centreX, centreY + size * 0.1, size * 0.98);
  const columns = random.int(1, 3);
  const contents = chooseContents(
    random,
    name,
    random.weighted([
      [1, 5],
      [2, 3],
    ]),
  );
  const side = columns === 1 ? size * 0.5 : (size * 0.82) / columns;
  for (const row of random.chance(0.5) && columns > 1 ? [0, 1] : [1]) {
    const count = row === 0 ? columns - 1 : columns;
    for (let column = 0; column < count; column++) {
      const x = centreX + ((column + 0.5) / count - 0.5) * size * 0.76 + random.range(-0.02, 0.02) * size;
      const baseY = centreY + size * (row === 0 ? -0.02 : 0.14 + depth);
      addItem(draft, group, holder, random.pick(contents), {
        x,
        baseY,
        side: side * random.range(0.85, 1.05),
        tilt: 0.2,
      });
    }
  }
  return holder;
}
