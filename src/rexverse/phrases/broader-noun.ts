/** Nouns that name a thing less closely: a description of a man that calls him a person fits. */

const kinds: Readonly<Record<string, string>> = {
  person: `man woman boy girl child kid baby toddler lady guy gentleman adult teenager player skier surfer skater
    skateboarder snowboarder rider biker cyclist batter pitcher catcher umpire worker officer policeman fireman soldier
    chef cook waiter waitress tourist passenger pedestrian driver couple family crowd bride groom people`,
  child: 'boy girl kid baby toddler',
  animal: 'dog cat horse sheep cow elephant bear zebra giraffe bird puppy kitten calf pony lamb goat duck goose',
  dog: 'puppy',
  cat: 'kitten',
  bird: 'duck goose seagull pigeon parrot owl swan',
  vehicle: 'car truck bus van taxi train motorcycle bicycle boat ship airplane jet trolley tram scooter',
  car: 'taxi sedan suv',
  bicycle: 'bike',
  motorcycle: 'motorbike',
  airplane: 'plane jet',
  food: 'pizza sandwich cake donut broccoli carrot hotdog salad soup bread fruit vegetable meal dish',
  fruit: 'apple banana orange pear strawberry grape lemon',
  furniture: 'chair couch sofa table desk bed bench',
  couch: 'sofa',
};

const broader = new Map<string, ReadonlySet<string>>();
for (const [kind, nouns] of Object.entries(kinds)) {
  for (const noun of nouns.split(/\s+/)) broader.set(noun, new Set([...(broader.get(noun) ?? []), kind]));
}

/** Whether two nouns in the singular may name one thing: they are the same, or one is a kind of the other. */
export function mayBeOneThing(a: string, b: string): boolean {
  return a === b || broader.get(a)?.has(b) === true || broader.get(b)?.has(a) === true;
}
