/**
 * Counting with proof: what is counted with its boxes, then their number, which so follows from what has been listed;
 * zero too.
 */

import type { Conversation } from '../../datasets/sample.ts';
import type { Turn } from '../../grounding/grounded-text.ts';
import { askAbout } from '../../prompt/phrasings.ts';
import { numberWord } from '../../prompt/words.ts';
import { CATEGORIES } from '../categories.ts';
import { allNamed, type Description, describe, pluralNoun, resolve } from '../description.ts';
import { COUNTABLE_HYPERNYMS } from '../facts.ts';
import { phrase, type TaskContext, text, toConversation } from '../sample.ts';
import { absentCategory, categoriesOf } from './detection.ts';

/** "How many red balloons are there?" */
export function counting(context: TaskContext): Conversation | null {
  return toConversation('counting', [countTurn(context, chooseCounted(context))]);
}

/** Asks for the number of what a description means and answers with the objects. */
export function countTurn({ scene, random, phrasings }: TaskContext, description: Description): Turn {
  const objects = resolve(scene, description) ?? [];
  const words = describe(description, 'plural');
  const expected = numberWord(objects.length);
  return {
    question: askAbout('count', [words], phrasings, random),
    answer: [phrase(words, objects), text(`: ${expected}.`)],
    accepted: [expected],
  };
}

/** Something to count: mostly a category with several objects, sometimes coloured, general, single or absent. */
function chooseCounted({ scene, random }: TaskContext): Description {
  const plain = (noun: string): Description => ({ noun, modifiers: [] });
  if (random.chance(0.1)) return plain(absentCategory(scene, random));
  const general = COUNTABLE_HYPERNYMS.filter((noun) => allNamed(scene, noun).length > 0);
  if (general.length > 0 && random.chance(0.15)) return plain(random.pick(general));
  const painted = scene.objects.filter(({ colour }) => colour !== null);
  if (painted.length > 0 && random.chance(0.25)) {
    const { category, colour } = random.pick(painted);
    return { noun: category.name, modifiers: [{ kind: 'colour', colour: colour! }] };
  }
  const names = categoriesOf(scene);
  const several = names.filter((name) => allNamed(scene, name).length > 1);
  return plain(random.pick(several.length > 0 && random.chance(0.75) ? several : names));
}

/** Every noun that can be counted, in the plural, for the vocabulary. */
export function countedNouns(): string[] {
  return [...CATEGORIES.map(({ plural }) => plural), ...COUNTABLE_HYPERNYMS.map(pluralNoun)];
}
