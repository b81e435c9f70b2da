/**
 * Grounded conversations of two to four turns, in which "it" and "them" go back to what was just found.
 */

import type { Conversation } from '../../datasets/sample.ts';
import type { Turn } from '../../grounding/grounded-text.ts';
import { askAbout } from '../../prompt/phrasings.ts';
import { askGrounded, regionTurn, wordQuestion } from '../../prompt/questions.ts';
import { articleFor, numberWord } from '../../prompt/words.ts';
import { allNamed, type Description, describe, pluralNoun, RELATION_PHRASES } from '../description.ts';
import { refer } from '../expressions.ts';
import { type Extreme, extremeOf, type Relation } from '../facts.ts';
import { phrase, type TaskContext, text, toConversation } from '../sample.ts';
import { briefText } from './captions.ts';
import { countTurn } from './counting.ts';
import { categoriesOf } from './detection.ts';
import { placeOf } from './region-caption.ts';
import { colourTurn, existsTurn, neighbourTurn, soleNeighbour, whereTurn } from './region-qa.ts';

const EXTREMES: readonly Extreme[] = ['largest', 'smallest', 'leftmost', 'rightmost', 'topmost', 'bottommost'];
const RELATIONS: readonly Relation[] = ['left of', 'right of', 'above', 'below', 'next to'];

/** A conversation about one thing, about many of a kind, or about the image. */
export function conversation(context: TaskContext): Conversation {
  const flows = context.random.shuffle([aboutOne, aboutMany, aboutImage]);
  for (const flow of flows) {
    const turns = flow(context);
    if (turns.length >= 2) return toConversation('conversation', turns);
  }
  return toConversation('conversation', aboutImage(context));
}

/** Find one thing, then ask about it. */
function aboutOne({ scene, random, phrasings }: TaskContext): Turn[] {
  for (const object of random.shuffle(scene.objects.map((_, index) => index))) {
    const description = refer(scene, object, random);
    if (!description) continue;
    const words = describe(description);
    const found = { question: askAbout('detect', [words], phrasings, random), answer: [phrase(words, [object])] };
    const followUps = random.shuffle(followUpsOf({ scene, random, phrasings }, object)).slice(0, random.int(1, 3));
    if (followUps.length > 0) return [found, ...followUps];
  }
  return [];
}

/** Everything that can plainly be asked about "it". */
function followUpsOf({ scene, random, phrasings }: TaskContext, object: number): Turn[] {
  const turns: Turn[] = [];
  const { colour, category } = scene.objects[object];
  const it = phrase(category.name, [object]);
  const ask = (kind: 'colour' | 'where' | 'neighbour', name = '') =>
    wordQuestion(kind, phrasings, random, name).replace('[OBJ]', 'it');
  const add = (turn: Turn) => turns.push(askGrounded(turn, random));
  if (colour) add(regionTurn(ask('colour'), [], [text('The '), it, text(` is ${colour}.`)], colour));
  const place = placeOf(scene, object);
  if (place) add(regionTurn(ask('where'), [], [text('The '), it, text(` is ${place}.`)], place));
  for (const relation of RELATIONS) {
    const neighbour = soleNeighbour(scene, object, relation);
    if (neighbour === null) continue;
    const { name } = scene.objects[neighbour].category;
    const answer = [text(`It is ${articleFor(name)} `), phrase(name, [neighbour]), text('.')];
    add(regionTurn(ask('neighbour', RELATION_PHRASES[relation]), [], answer, name));
  }
  return turns;
}

/** Count a kind, then single some out. */
function aboutMany(context: TaskContext): Turn[] {
  const { scene, random, phrasings } = context;
  const names = categoriesOf(scene).filter((name) => allNamed(scene, name).length > 1);
  if (names.length === 0) return [];
  const noun = random.pick(names);
  const all = allNamed(scene, noun);
  const plain: Description = { noun, modifiers: [] };
  const turns = [countTurn(context, plain)];
  for (const extreme of random.shuffle(EXTREMES)) {
    const object = extremeOf(scene, all, extreme);
    if (object === null) continue;
    const words = wordQuestion('whichOne', phrasings, random, extreme);
    const answer = [text('The '), phrase(`${extreme} ${noun}`, [object]), text('.')];
    turns.push(askGrounded(regionTurn(words, [], answer), random));
    const followUps = followUpsOf(context, object);
    if (followUps.length > 0 && random.chance(0.6)) turns.push(random.pick(followUps));
    break;
  }
  const { colour } = scene.objects[random.pick(all)];
  if (colour && turns.length < 4 && random.chance(0.6)) {
    const objects = all.filter((index) => scene.objects[index].colour === colour);
    const expected = numberWord(objects.length);
    const answer = [phrase(`${colour} ${pluralNoun(noun)}`, objects), text(`: ${expected}.`)];
    // "Them" must still mean all of the kind, so this comes right after the count.
    const words = wordQuestion('allColour', phrasings, random, colour);
    turns.splice(1, 0, askGrounded(regionTurn(words, [], answer, expected), random));
  }
  return turns;
}

/** A caption, then questions of several kinds. */
function aboutImage(context: TaskContext): Turn[] {
  const { scene, random, phrasings } = context;
  const caption = { question: askAbout('caption-brief', [], phrasings, random), answer: briefText(scene) };
  const makers = random.shuffle([existsTurn, colourTurn, whereTurn, neighbourTurn]);
  const count = countTurn(context, { noun: random.pick(categoriesOf(scene)), modifiers: [] });
  const turns = makers
    .flatMap((make) => make(context) ?? [])
    .slice(0, random.int(1, 2))
    .map((turn) => askGrounded(turn, random));
  return random.chance(0.5) ? [caption, count, ...turns] : [caption, ...turns];
}
