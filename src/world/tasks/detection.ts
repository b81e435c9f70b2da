/**
 * Finding things by category (common and long-tail), by a short phrase, and by an expression that means one object.
 *
 * The answer repeats every asked phrase with its objects, one per line, as the released models do; a phrase that fits
 * nothing has no objects.
 */

import type { Conversation } from '../../datasets/sample.ts';
import { askAbout } from '../../prompt/phrasings.ts';
import type { Random } from '../../random.ts';
import { CATEGORIES } from '../categories.ts';
import { LOOK_ALIKES } from '../category-list.ts';
import { allNamed, type Description, describe } from '../description.ts';
import { phraseFor, refer } from '../expressions.ts';
import { COUNTABLE_HYPERNYMS, isNamed } from '../facts.ts';
import { pickCategory } from '../pick-category.ts';
import { phrase, type TaskContext, text, toConversation, type WorldTask } from '../sample.ts';
import type { Scene } from '../scene.ts';

const MAX_CATEGORIES = 8;

interface Asked {
  readonly words: string;
  readonly objects: readonly number[];
}

/** Everyday categories: one, several, general words, and some that are absent. */
export function detection(context: TaskContext): Conversation | null {
  const { scene, random } = context;
  const present = categoriesOf(scene);
  const wanted = random.chance(0.4) ? 1 : random.int(2, MAX_CATEGORIES);
  const names = random.shuffle(present).slice(0, wanted);
  const general = random.shuffle(COUNTABLE_HYPERNYMS).find((noun) => allNamed(scene, noun).length > 0);
  if (general && random.chance(0.15)) names[random.int(0, names.length - 1)] = general;
  for (let index = 0; index < absentCount(random); index++) names.push(absentCategory(scene, random));
  if (random.chance(0.08)) names.splice(0, names.length, absentCategory(scene, random));
  return find(
    context,
    'detection',
    random.shuffle([...new Set(names)]).map((words) => ({ words, objects: allNamed(scene, words) })),
  );
}

/** Every category of the image at once, in the order of their first objects. */
export function detectEverything(context: TaskContext): Conversation {
  const { scene, random, phrasings } = context;
  const asked = categoriesOf(scene).map((words) => ({ words, objects: allNamed(scene, words) }));
  const question = askAbout('detect-all', [], phrasings, random);
  return toConversation('detection', [{ question, answer: listFound(asked) }]);
}

/** Rare categories of the image, or a rare one that is absent. */
export function longTailDetection(context: TaskContext): Conversation | null {
  const { scene, random } = context;
  const rare = categoriesOf(scene).filter((name) => CATEGORIES.some((c) => c.name === name && c.frequency === 'rare'));
  const names = random.shuffle(rare).slice(0, random.int(1, 4));
  if (names.length === 0 || random.chance(0.2)) {
    names.push(
      absentCategory(
        scene,
        random,
        CATEGORIES.filter(({ frequency }) => frequency === 'rare'),
      ),
    );
  }
  return find(
    context,
    'long-tail-detection',
    random.shuffle(names).map((words) => ({ words, objects: allNamed(scene, words) })),
  );
}

/** "red balloon", "apple in the basket": all that fit, one or many; now and then none. */
export function phraseGrounding(context: TaskContext): Conversation | null {
  const { scene, random } = context;
  const seeds = random.shuffle(scene.objects.map((_, index) => index));
  const asked: Asked[] = [];
  const wanted = random.chance(0.6) ? 1 : 2;
  for (const seed of seeds) {
    const found = asked.length < wanted ? phraseFor(scene, seed, random) : null;
    if (!found) continue;
    const words = describe(found.description);
    if (!asked.some((other) => other.words === words)) asked.push({ words, objects: found.objects });
  }
  const wrong = random.chance(0.12) ? absentPhrase(scene, random) : null;
  if (wrong) asked.push({ words: describe(wrong), objects: [] });
  return asked.length > 0 ? find(context, 'phrase-grounding', asked) : null;
}

/** An expression that means exactly one object, preferably one that has others of its kind beside it. */
export function referring(context: TaskContext): Conversation | null {
  const { scene, random } = context;
  const order = random.shuffle(scene.objects.map((_, index) => index));
  const isOneOfMany = (index: number) => allNamed(scene, scene.objects[index].category.name).length > 1;
  const preferred = random.chance(0.8)
    ? [...order.filter(isOneOfMany), ...order.filter((i) => !isOneOfMany(i))]
    : order;
  for (const target of preferred) {
    const description = refer(scene, target, random);
    if (description) return find(context, 'referring', [{ words: describe(description), objects: [target] }]);
  }
  return null;
}

function find({ random, phrasings }: TaskContext, task: WorldTask, asked: readonly Asked[]): Conversation {
  const question = askAbout(
    'detect',
    asked.map(({ words }) => words),
    phrasings,
    random,
  );
  return toConversation(task, [{ question, answer: listFound(asked) }]);
}

function listFound(asked: readonly Asked[]) {
  return asked.flatMap(({ words, objects }, at) => [...(at > 0 ? [text('\n')] : []), phrase(words, objects)]);
}

/** The names of what is in the image, parts and wholes included. */
export function categoriesOf(scene: Scene): string[] {
  return [...new Set(scene.objects.map(({ category }) => category.name))];
}

/** A category of which the scene has none, nor anything that could pass for it. */
export function absentCategory(scene: Scene, random: Random, allowed?: typeof CATEGORIES): string {
  const present = new Set(categoriesOf(scene));
  for (const name of categoriesOf(scene)) for (const other of LIKE.get(name) ?? []) present.add(other);
  for (;;) {
    const { name } = pickCategory(random, allowed);
    if (!present.has(name)) return name;
  }
}

/** What each name could be taken for. */
const LIKE = new Map<string, string[]>();
for (const line of LOOK_ALIKES) {
  const names = line.split(';');
  for (const name of names) LIKE.set(name, [...(LIKE.get(name) ?? []), ...names]);
}

/** A colour that no object of a present, painted category has. */
function absentPhrase(scene: Scene, random: Random): Description | null {
  const painted = scene.objects.filter(({ colour }) => colour !== null);
  if (painted.length === 0) return null;
  const { category } = random.pick(painted);
  const colour = random.pick(painted).colour!;
  const isThere = scene.objects.some((o) => isNamed(o.category, category.name) && o.colour === colour);
  return isThere ? null : { noun: category.name, modifiers: [{ kind: 'colour', colour }] };
}

function absentCount(random: Random): number {
  return random.weighted([
    [0, 60],
    [1, 30],
    [2, 10],
  ]);
}
