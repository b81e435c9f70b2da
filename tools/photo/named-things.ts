/**
 * Which of a detector's categories the nouns of a caption mean: COCO's own names, and the words that people use for the
 * same things. A word that may mean something else as well is left out.
 */

const words: Readonly<Record<string, string>> = {
  person: `person man woman boy girl child kid baby toddler guy lady gentleman adult teenager player skier snowboarder
    surfer skateboarder skater rider biker cyclist motorcyclist pedestrian batter pitcher catcher umpire officer
    policeman chef waiter waitress soldier tourist cowboy farmer fisherman mother father son daughter brother sister
    bride groom
    passenger couple student businessman worker spectator individual crew`,
  bicycle: 'bicycle bike',
  car: 'car taxi cab suv sedan',
  motorcycle: 'motorcycle motorbike moped',
  airplane: 'airplane plane aeroplane jet jetliner airliner aircraft biplane',
  bus: 'bus',
  train: 'train locomotive subway',
  truck: 'truck lorry',
  boat: 'boat sailboat canoe kayak ship ferry yacht',
  'traffic light': 'light',
  'fire hydrant': 'hydrant',
  bench: 'bench',
  bird: 'bird duck seagull goose swan pigeon parrot owl eagle pelican flamingo',
  cat: 'cat kitten kitty',
  dog: 'dog puppy poodle labrador dachshund',
  horse: 'horse pony',
  sheep: 'sheep lamb ram ewe',
  cow: 'cow cattle bull calf',
  elephant: 'elephant',
  bear: 'bear',
  zebra: 'zebra',
  giraffe: 'giraffe',
  backpack: 'backpack',
  umbrella: 'umbrella parasol',
  handbag: 'handbag purse',
  tie: 'tie necktie',
  suitcase: 'suitcase luggage',
  frisbee: 'frisbee',
  skis: 'ski skis',
  snowboard: 'snowboard',
  kite: 'kite',
  'baseball bat': 'bat',
  skateboard: 'skateboard',
  surfboard: 'surfboard',
  'tennis racket': 'racket racquet',
  bottle: 'bottle',
  'wine glass': 'wineglass',
  cup: 'cup mug',
  fork: 'fork',
  knife: 'knife',
  spoon: 'spoon',
  bowl: 'bowl',
  banana: 'banana',
  sandwich: 'sandwich burger hamburger',
  broccoli: 'broccoli',
  carrot: 'carrot',
  'hot dog': 'hotdog',
  pizza: 'pizza',
  donut: 'donut doughnut',
  cake: 'cake cupcake',
  chair: 'chair armchair stool',
  couch: 'couch sofa loveseat',
  'potted plant': 'houseplant',
  bed: 'bed',
  'dining table': 'table',
  toilet: 'toilet',
  tv: 'tv television',
  laptop: 'laptop',
  remote: 'remote wiimote',
  keyboard: 'keyboard',
  'cell phone': 'phone cellphone smartphone',
  microwave: 'microwave',
  oven: 'oven stove',
  sink: 'sink',
  refrigerator: 'refrigerator fridge',
  book: 'book',
  clock: 'clock',
  vase: 'vase',
  scissors: 'scissors',
  'teddy bear': 'teddy',
};

const ofWord = new Map(
  Object.entries(words).flatMap(([category, list]) => list.split(/\s+/).map((word) => [word, category] as const)),
);

/** Two words that mean something else than the last of them. */
const ofPair = new Map([
  ['traffic light', 'traffic light'],
  ['stop light', 'traffic light'],
  ['street light', undefined],
  ['stop sign', 'stop sign'],
  ['hot dog', 'hot dog'],
  ['teddy bear', 'teddy bear'],
  ['wine glass', 'wine glass'],
  ['potted plant', 'potted plant'],
  ['baseball bat', 'baseball bat'],
  ['baseball glove', 'baseball glove'],
  ['catcher mitt', 'baseball glove'],
  ['parking meter', 'parking meter'],
  ['hair dryer', 'hair drier'],
  ['sports ball', 'sports ball'],
  ['tennis ball', 'sports ball'],
  ['soccer ball', 'sports ball'],
  ['pool table', undefined],
  ['coffee table', 'dining table'],
]);

/** Words that are a thing of a category only behind certain others. */
const neverAlone = new Set(['light', 'bat']);

/**
 * The category that a noun phrase names, by its nouns in the singular.
 * @param nouns the head with the nouns before it, "tennis racket"
 * @example categoryOf('little boy'); // 'person'
 */
export function categoryOf(nouns: string): string | undefined {
  const all = nouns.toLowerCase().split(/\s+/);
  const head = all[all.length - 1];
  const pair = all.slice(-2).join(' ');
  if (ofPair.has(pair)) return ofPair.get(pair);
  return neverAlone.has(head) ? undefined : ofWord.get(head);
}
