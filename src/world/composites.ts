/**
 * Wholes made of pieces: robot, train, bouquet, skewer, stack, pile. The whole is one coarse object, its pieces are
 * fine.
 */

import { categoryNamed } from './categories.ts';
import { type Assembly, addItem } from './containers.ts';
import { pickCategory, thingsOf } from './pick-category.ts';

/** Categories that stand on each other without looking wrong. */
const STACKABLE = [
  'block',
  'block',
  'block',
  'book',
  'gift',
  'parcel',
  'die',
  'drum',
  'hamburger',
  'tangerine',
  'cheese',
  'rock',
];

/** Every composite by its category's name. */
export const COMPOSITES: Readonly<Record<string, Assembly>> = {
  robot: (draft, { centreX, centreY, size }) => {
    const group = draft.startGroup(centreY + size * 0.5);
    const robot = draft.addObject('robot', { grain: 'coarse' });
    const { colour } = draft.objects[robot];
    const piece = (
      name: string,
      x: number,
      y: number,
      width: number,
      options: { height?: number; isFlipped?: boolean; rotation?: number } = {},
    ) => {
      const object = draft.addObject(`robot ${name}`, { grain: 'fine', parent: robot, colour });
      draft.addLayer(group, object, centreX + x * size, centreY + y * size, width * size, options);
    };
    const swing = draft.random.range(-0.5, 0.3);
    piece('foot', -0.12, 0.4, 0.15, { isFlipped: true });
    piece('foot', 0.12, 0.4, 0.15);
    piece('arm', -0.28, 0.1, 0.1, { rotation: 0.25 - swing });
    piece('arm', 0.28, 0.1, 0.1, { rotation: -0.25 + swing });
    piece('torso', 0, 0.11, 0.4);
    piece('head', 0, -0.28, 0.38);
    return robot;
  },
  train: (draft, { centreX, centreY, size }) => {
    const { random } = draft;
    const wagons = random.int(1, 3);
    const side = size / (wagons + 1);
    const group = draft.startGroup(centreY + side / 2);
    const train = draft.addObject('train', { grain: 'coarse' });
    const direction = random.pick([-1, 1]);
    for (let index = 0; index <= wagons; index++) {
      const object = draft.addObject(index === 0 ? 'locomotive' : 'wagon', { grain: 'fine', parent: train });
      const x = centreX + direction * (size / 2 - (index + 0.5) * side);
      draft.addLayer(group, object, x, centreY, side * 1.02, { isFlipped: direction > 0, height: side * 1.02 });
    }
    return train;
  },
  bouquet: (draft, { centreX, centreY, size }) => {
    const { random } = draft;
    const group = draft.startGroup(centreY + size * 0.5);
    const bouquet = draft.addObject('bouquet', { grain: 'coarse' });
    const flowers = thingsOf('flower');
    const kinds = [random.pick(flowers), random.pick(flowers)];
    const count = random.int(3, 6);
    for (let index = 0; index < count; index++) {
      const spread = count === 1 ? 0 : index / (count - 1) - 0.5;
      const flower = draft.addObject(random.pick(kinds), { grain: 'fine', parent: bouquet });
      const y = centreY - size * (0.2 + (index % 2) * 0.14);
      const width = size * 0.34 * Math.min(1, 1 / draft.aspect(draft.objects[flower].category.name));
      draft.addLayer(group, flower, centreX + spread * size * 0.62, y, width, { rotation: spread * 0.9 });
    }
    const wrapper = draft.addObject('wrapper', { grain: 'fine', parent: bouquet });
    draft.addLayer(group, wrapper, centreX, centreY + size * 0.22, size * 0.52);
    return bouquet;
  },
  skewer: (draft, { centreX, centreY, size }) => {
    const { random } = draft;
    const group = draft.startGroup(centreY + size * 0.2);
    const skewer = draft.addObject('skewer', { grain: 'coarse' });
    const angle = random.range(-0.6, 0.6);
    const stick = draft.addObject('stick', { grain: 'fine', parent: skewer });
    draft.addLayer(group, stick, centreX, centreY, size, { height: size * 0.06, rotation: angle });
    const count = random.int(3, 4);
    const names = [
      'tomato',
      'mushroom',
      'onion',
      'shrimp',
      'pepper',
      'steak',
      'strawberry',
      'pineapple',
      'potato',
      'broccoli',
    ];
    const kinds = [random.pick(names), random.pick(names)];
    for (let index = 0; index < count; index++) {
      const along = ((index + 0.5) / count - 0.5) * size * 0.76;
      const food = draft.addObject(kinds[index % 2], { grain: 'fine', parent: skewer });
      const width = (size * 0.74) / count;
      draft.addLayer(group, food, centreX + along * Math.cos(angle), centreY + along * Math.sin(angle), width, {
        rotation: angle,
      });
    }
    return skewer;
  },
  stack: (draft, { centreX, centreY, size }) => {
    const { random } = draft;
    const group = draft.startGroup(centreY + size * 0.5);
    const stack = draft.addObject('stack', { grain: 'coarse' });
    const kind = categoryNamed(random.pick(STACKABLE));
    const count = random.int(3, 5);
    const aspect = draft.aspect(kind.name);
    const height = (size / count) * 1.04;
    const width = Math.min(height / aspect, size * 0.6);
    for (let level = 0; level < count; level++) {
      const piece = draft.addObject(kind, { grain: 'fine', parent: stack });
      const y = centreY + size / 2 - (level + 0.5) * (size / count);
      draft.addLayer(group, piece, centreX + random.range(-0.05, 0.05) * size, y, width, { height });
    }
    return stack;
  },
  pile: (draft, { centreX, centreY, size }) => {
    const { random } = draft;
    const group = draft.startGroup(centreY + size * 0.35);
    const pile = draft.addObject('pile', { grain: 'coarse' });
    const kind = pickCategory(random);
    const rows = random.weighted([
      [2, 2],
      [3, 2],
    ]);
    const side = (size / (rows + 0.6)) * 0.95;
    for (let row = 0; row < rows; row++) {
      const count = row + (rows === 2 ? 2 : 1);
      for (let column = 0; column < count; column++) {
        addItem(draft, group, pile, kind, {
          x: centreX + ((column + 0.5) / count - 0.5) * count * side * 0.78 + random.range(-0.05, 0.05) * size,
          baseY: centreY + size * 0.35 - (rows - 1 - row) * side * 0.66,
          side: side * random.range(0.92, 1.08),
          tilt: 0.4,
        });
      }
    }
    return pile;
  },
};
