/**
 * Decides what is in a scene and where: how many things, which, how large, in which layout.
 */

import type { Random } from '../random.ts';
import { CATEGORIES, type Category } from './categories.ts';
import { COMPOSITES } from './composites.ts';
import { CONTAINERS, type Frame } from './containers.ts';
import { pickCategory, thingsOf } from './pick-category.ts';
import type { SceneDraft } from './scene-draft.ts';

/** Never more objects than the 100 index tokens of the paper leave room for. */
export const MAX_OBJECTS = 60;

type Layout = 'sparse' | 'normal' | 'busy' | 'crowd' | 'row' | 'table';

const LAYOUTS: readonly (readonly [Layout, number])[] = [
  ['sparse', 14],
  ['normal', 38],
  ['busy', 18],
  ['crowd', 8],
  ['row', 10],
  ['table', 12],
];

/** How many free things, and how many assemblies, a layout asks for. */
const COUNTS: Readonly<Record<Layout, { things: [number, number]; assemblies: [number, number] }>> = {
  sparse: { things: [1, 3], assemblies: [0, 1] },
  normal: { things: [2, 9], assemblies: [0, 2] },
  busy: { things: [8, 22], assemblies: [0, 2] },
  crowd: { things: [24, 50], assemblies: [0, 1] },
  row: { things: [3, 8], assemblies: [0, 1] },
  table: { things: [2, 7], assemblies: [0, 1] },
};

const SUPERS = [...new Set(CATEGORIES.filter(({ kind }) => kind === 'thing').map(({ hypernyms }) => hypernyms[0]))];

/** A rectangle that is taken: left, top, right, bottom. */
type Taken = [number, number, number, number];

/** Fills the draft with groups, ordered from back to front. */
export function planScene(draft: SceneDraft, width: number, height: number): void {
  const { random } = draft;
  const layout = random.weighted(LAYOUTS);
  const taken: Taken[] = [];
  const [fewest, most] = COUNTS[layout].assemblies;
  const area = Math.sqrt(width * height);
  const assemblies = random.int(fewest, most);
  for (let index = 0; index < assemblies; index++) {
    const size =
      area * (layout === 'crowd' ? random.range(0.25, 0.35) : random.range(0.28, layout === 'sparse' ? 0.8 : 0.5));
    const frame = findRoom(random, taken, width, height, size, size, 0.1);
    if (frame) placeAssembly(draft, frame);
  }
  const things = random.int(...COUNTS[layout].things);
  const palette = choosePalette(random, things);
  if (layout === 'row') placeRow(draft, palette, things, width, height, taken);
  else if (layout === 'table') placeTable(draft, palette, things, width, height, taken);
  else placeFreely(draft, palette, things, width, height, taken);
  if (random.chance(0.8)) draft.groups.sort((a, b) => a.baseY - b.baseY);
}

/** The kinds of things of this scene: a few, so that kinds repeat; now and then of one super-category. */
function choosePalette(random: Random, things: number): Category[] {
  const kinds = Math.max(1, Math.round(things * random.range(0.25, 0.9)));
  if (random.chance(0.3)) {
    const family = thingsOf(random.pick(SUPERS));
    return Array.from({ length: Math.min(kinds, 6) }, () => pickCategory(random, family));
  }
  return Array.from({ length: Math.min(kinds, 14) }, () => pickCategory(random));
}

function placeAssembly(draft: SceneDraft, frame: Frame): void {
  const builders = draft.random.chance(0.6) ? CONTAINERS : COMPOSITES;
  draft.random.pick(Object.values(builders))(draft, frame);
}

function placeFreely(
  draft: SceneDraft,
  palette: Category[],
  count: number,
  width: number,
  height: number,
  taken: Taken[],
): void {
  const { random } = draft;
  const typical = Math.sqrt((width * height) / (count + 2 * taken.length)) * 0.75;
  const largest = Math.min(typical * 1.9, Math.min(width, height) * 0.7);
  const smallest = Math.max(Math.min(width, height) * 0.047, largest * 0.22);
  const overlap = random.weighted([
    [0.02, 4],
    [0.2, 3],
    [0.45, 2],
  ]);
  for (let index = 0; index < count && draft.objects.length < MAX_OBJECTS; index++) {
    const category = random.pick(palette);
    const side = random.logRange(smallest, largest);
    const aspect = draft.aspect(category.name);
    const boxWidth = side * Math.min(1, 1 / aspect);
    const room = findRoom(random, taken, width, height, boxWidth, boxWidth * aspect, overlap);
    if (room) placeThing(draft, category, room.centreX, room.centreY, boxWidth);
  }
}

/** Things side by side on one line: what "the second from the left" needs. */
function placeRow(
  draft: SceneDraft,
  palette: Category[],
  count: number,
  width: number,
  height: number,
  taken: Taken[],
): void {
  const { random } = draft;
  const kinds = random.chance(0.5) ? palette.slice(0, 1) : palette;
  const cell = width / count;
  const baseY = height * random.range(0.35, 0.9);
  for (let index = 0; index < count; index++) {
    const category = random.pick(kinds);
    const aspect = draft.aspect(category.name);
    const side = Math.min(cell, height * 0.4) * random.range(0.6, 0.98);
    const boxWidth = side * Math.min(1, 1 / aspect);
    const [x, y] = [cell * (index + 0.5), baseY - (boxWidth * aspect) / 2];
    const box: Taken = [x - boxWidth / 2, y - (boxWidth * aspect) / 2, x + boxWidth / 2, y + (boxWidth * aspect) / 2];
    if (worstOverlap(box, taken) > 0.3) continue;
    taken.push(box);
    placeThing(draft, category, x, y, boxWidth);
  }
}

/** A table with things standing on it and the rest around. */
function placeTable(
  draft: SceneDraft,
  palette: Category[],
  count: number,
  width: number,
  height: number,
  taken: Taken[],
): void {
  const { random } = draft;
  const size = width * random.range(0.5, 0.85);
  const centreX = random.range(size / 2, width - size / 2);
  const topY = height * random.range(0.45, 0.7);
  const tableBox: Taken = [centreX - size / 2, topY - size * 0.15, centreX + size / 2, topY + size * 0.45];
  if (worstOverlap(tableBox, taken) > 0.15) {
    placeFreely(draft, palette, count, width, height, taken);
    return;
  }
  const group = draft.startGroup(topY + size * 0.1);
  const table = draft.addObject('table', { grain: 'coarse' });
  for (const side of [-1, 1]) {
    const leg = draft.addObject('table leg', { grain: 'fine', parent: table });
    const [x, y] = [centreX + side * size * 0.4, topY + size * 0.25];
    draft.addLayer(group, leg, x, y, size * 0.09, { height: size * 0.38 });
  }
  const top = draft.addObject('tabletop', { grain: 'fine', parent: table });
  draft.addLayer(group, top, centreX, topY, size);
  taken.push(tableBox);
  const onTable = Math.min(count, random.int(1, 4));
  const cell = (size * 0.86) / onTable;
  for (let index = 0; index < onTable; index++) {
    const category = random.pick(palette);
    const aspect = draft.aspect(category.name);
    const side = Math.min(cell, topY * 0.7, size * 0.45) * random.range(0.6, 0.95);
    const boxWidth = side * Math.min(1, 1 / aspect);
    const x = centreX + ((index + 0.5) / onTable - 0.5) * size * 0.86;
    const y = topY - size * 0.01 - (boxWidth * aspect) / 2;
    const object = draft.addObject(category, { support: table });
    draft.addLayer(group, object, x, y, boxWidth, { isFlipped: random.chance(0.5) });
    taken.push([x - boxWidth / 2, y - (boxWidth * aspect) / 2, x + boxWidth / 2, y + (boxWidth * aspect) / 2]);
  }
  placeFreely(draft, palette, count - onTable, width, height, taken);
}

/** A thing by itself, a little turned or mirrored. */
export function placeThing(
  draft: SceneDraft,
  category: Category,
  centreX: number,
  centreY: number,
  width: number,
): void {
  const { random } = draft;
  const group = draft.startGroup(centreY + (width * draft.aspect(category.name)) / 2);
  const object = draft.addObject(category);
  const rotation = random.chance(0.4) ? random.range(-0.4, 0.4) : 0;
  draft.addLayer(group, object, centreX, centreY, width, { rotation, isFlipped: random.chance(0.5) });
}

/** Tries a few places and takes the first that overlaps little; it may stick out of the canvas a little. */
function findRoom(
  random: Random,
  taken: Taken[],
  width: number,
  height: number,
  boxWidth: number,
  boxHeight: number,
  allowedOverlap: number,
): Frame | null {
  const [marginX, marginY] = [boxWidth, boxHeight].map((side) => side * (random.chance(0.15) ? 0.3 : 0.5));
  for (let attempt = 0; attempt < 24; attempt++) {
    const centreX = random.range(marginX, Math.max(marginX, width - marginX));
    const centreY = random.range(marginY, Math.max(marginY, height - marginY));
    const box: Taken = [
      centreX - boxWidth / 2,
      centreY - boxHeight / 2,
      centreX + boxWidth / 2,
      centreY + boxHeight / 2,
    ];
    if (worstOverlap(box, taken) > allowedOverlap) continue;
    taken.push(box);
    return { centreX, centreY, size: boxWidth };
  }
  return null;
}

/** The largest share of either box that the two have in common. */
function worstOverlap(box: Taken, taken: readonly Taken[]): number {
  let worst = 0;
  for (const other of taken) {
    const shared =
      Math.max(0, Math.min(box[2], other[2]) - Math.max(box[0], other[0])) *
      Math.max(0, Math.min(box[3], other[3]) - Math.max(box[1], other[1]));
    const smaller = Math.min((box[2] - box[0]) * (box[3] - box[1]), (other[2] - other[0]) * (other[3] - other[1]));
    worst = Math.max(worst, shared / smaller);
  }
  return worst;
}
