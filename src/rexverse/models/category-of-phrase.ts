/**
 * Which of a detector's categories a phrase means. Captions say "man", "puppy" and "bike" where detectors say "person",
 * "dog" and "bicycle".
 */

/** Everyday words for COCO's 80 categories, in the singular; words with another usual meaning are left out. */
const words: Readonly<Record<string, string>> = {
  person:
    'man woman boy girl child kid baby toddler lady guy gentleman adult player skier snowboarder surfer skateboarder ' +
    'skater rider cyclist batter catcher umpire pitcher runner pedestrian worker chef officer policeman soldier bride ' +
    'groom student teacher couple people male female teenager athlete motorcyclist biker driver passenger friend crowd',
  bicycle: 'bike',
  car: 'taxi cab sedan suv minivan',
  motorcycle: 'motorbike moped',
  airplane: 'plane jet airliner aircraft jetliner biplane aeroplane',
  bus: 'double-decker',
  train: 'locomotive',
  truck: 'lorry',
  boat: 'ship sailboat canoe kayak ferry yacht rowboat speedboat',
  'traffic light': 'stoplight traffic_signal',
  'fire hydrant': 'hydrant',
  bird: 'duck seagull pigeon parrot goose swan owl eagle pelican flamingo crow sparrow gull ostrich',
  cat: 'kitten kitty tabby',
  dog: 'puppy pup',
  horse: 'pony foal',
  sheep: 'lamb ram ewe',
  cow: 'bull calf cattle ox',
  bear: 'cub',
  backpack: 'rucksack knapsack',
  umbrella: 'parasol',
  handbag: 'purse',
  tie: 'necktie bowtie',
  suitcase: 'luggage',
  skis: 'ski',
  'sports ball': 'ball baseball basketball football volleyball soccer_ball tennis_ball',
  'baseball bat': 'bat',
  'baseball glove': 'mitt catcher_mitt',
  'tennis racket': 'racket racquet tennis_racquet',
  'wine glass': 'wineglass',
  cup: 'mug',
  'hot dog': 'hotdog',
  donut: 'doughnut',
  couch: 'sofa loveseat',
  'potted plant': 'houseplant plant',
  'dining table': 'table',
  tv: 'television monitor tv_monitor',
  laptop: 'laptop_computer notebook_computer',
  mouse: 'computer_mouse',
  remote: 'remote_control controller wii_remote',
  keyboard: 'computer_keyboard',
  'cell phone': 'cellphone phone smartphone mobile_phone',
  oven: 'stove',
  refrigerator: 'fridge',
  vase: 'flower_vase',
  'teddy bear': 'teddy stuffed_animal',
  'hair drier': 'hair_dryer blow_dryer',
};

const categoryOfWord = new Map(
  Object.entries(words).flatMap(([category, list]) =>
    list.split(' ').map((word) => [word.replaceAll('_', ' '), category] as const),
  ),
);

/** Words of a name at most. */
const longestName = 3;

/**
 * The category that the end of a phrase names, its longest name first: "brown teddy bear" is no bear.
 * @param phrase without article and in the singular, as `AnnotatedPhrase.query`
 * @returns one of `categories`, or undefined
 */
export function categoryOfPhrase(phrase: string, categories: readonly string[]): string | undefined {
  const parts = phrase.toLowerCase().trim().split(/\s+/);
  for (let length = Math.min(longestName, parts.length); length > 0; length--) {
    const name = parts.slice(-length).join(' ');
    if (categories.includes(name)) return name;
    const category = categoryOfWord.get(name);
    if (category !== undefined && categories.includes(category)) return category;
  }
  return undefined;
}
