/**
 * Questions about regions and about things by description: colour, kind, existence, place, relations, sizes, contents.
 * Half are asked for a grounded answer in so many words; all are answered so, for what is pointed at can be read off.
 * What is seen is said first and what follows from it last: yes, no and numbers.
 */

import type { Conversation } from '../../datasets/sample.ts';
import type { Turn } from '../../grounding/grounded-text.ts';
import { askGrounded, regionTurn, wordQuestion } from '../../prompt/questions.ts';
import { articleFor, numberWord } from '../../prompt/words.ts';
import { CATEGORIES } from '../categories.ts';
import { allNamed, describe, RELATION_PHRASES, SIDE_PHRASES } from '../description.ts';
import { refer } from '../expressions.ts';
import { COUNTABLE_HYPERNYMS, holdingRelation, isNamed, largerTruth, type Relation, relationTruth } from '../facts.ts';
import { phrase, type RegionQuestion, type TaskContext, text, toConversation } from '../sample.ts';
import type { Scene } from '../scene.ts';
import { contentsOf, groupsOf, listGroups } from './captions.ts';
import { absentCategory, categoriesOf } from './detection.ts';
import { placeOf } from './region-caption.ts';

const SPATIAL: readonly Relation[] = ['left of', 'right of', 'above', 'below'];
const OPPOSITE: Readonly<Partial<Record<Relation, Relation>>> = {
  'left of': 'right of',
  'right of': 'left of',
  above: 'below',
  below: 'above',
};
/** Pairs of objects looked at before a kind of question is given up. */
const MAX_PAIRS = 30;

/** Makes one turn, or null when the scene does not lend itself to it. */
export type TurnMaker = (context: TaskContext) => Turn | null;

/** A question of a random kind, of those asked for, that the scene has an answer to. */
export function regionQa(context: TaskContext): Conversation | null {
  const { random, regionQuestions: kinds = regionQuestions } = context;
  for (const kind of random.shuffle(kinds)) {
    const turn = QA_TURNS[kind](context);
    if (turn)
      return toConversation('region-qa', [{ ...(random.chance(0.5) ? askGrounded(turn, random) : turn), kind }]);
  }
  return null;
}

/** "What color is [OBJ]?" */
export function colourTurn({ scene, random, phrasings }: TaskContext): Turn | null {
  const painted = scene.objects.flatMap(({ colour }, index) => (colour ? [index] : []));
  if (painted.length === 0) return null;
  const object = random.pick(painted);
  const { colour, category } = scene.objects[object];
  const answer = [text('The '), phrase(category.name, [object]), text(` is ${colour}.`)];
  return regionTurn(wordQuestion('colour', phrasings, random), [object], answer, colour!);
}

/** "What color is the largest balloon?" */
function colourOfTurn({ scene, random, phrasings }: TaskContext): Turn | null {
  const painted = scene.objects.flatMap(({ colour }, index) => (colour ? [index] : []));
  for (const object of random.shuffle(painted)) {
    const description = refer(scene, object, random);
    if (!description || description.modifiers.some(({ kind }) => kind === 'colour')) continue;
    const words = describe(description);
    const { colour } = scene.objects[object];
    const answer = [text('The '), phrase(words, [object]), text(` is ${colour}.`)];
    return regionTurn(wordQuestion('colourOf', phrasings, random, words), [], answer, colour!);
  }
  return null;
}

/** "Is [OBJ] a dog?", "Is [OBJ] an animal?" */
function isATurn({ scene, random, phrasings }: TaskContext): Turn {
  const object = random.int(0, scene.objects.length - 1);
  const { category } = scene.objects[object];
  const general = category.hypernyms.filter((noun) => COUNTABLE_HYPERNYMS.includes(noun));
  const wrongNames = [...categoriesOf(scene), absentCategory(scene, random), random.pick(COUNTABLE_HYPERNYMS)];
  const wrong = random.pick(wrongNames);
  const right = general.length > 0 && random.chance(0.4) ? random.pick(general) : category.name;
  const asked = random.chance(0.5) ? right : wrong;
  const expected = yesOrNo(isNamed(category, asked));
  const { name } = category;
  const answer = [text(`It is ${articleFor(name)} `), phrase(name, [object]), text(`: ${expected}.`)];
  const words = wordQuestion('isA', phrasings, random, `${articleFor(asked)} ${asked}`);
  return regionTurn(words, [object], answer, expected);
}

/** "Is there a dog in the image?" */
export function existsTurn({ scene, random, phrasings }: TaskContext): Turn {
  const asked = random.chance(0.5) ? random.pick(categoriesOf(scene)) : absentCategory(scene, random);
  const objects = allNamed(scene, asked);
  const words = wordQuestion('exists', phrasings, random, `${articleFor(asked)} ${asked}`);
  const expected = yesOrNo(objects.length > 0);
  return regionTurn(words, [], [phrase(asked, objects), text(`: ${expected}.`)], expected);
}

/** "Where is [OBJ]?" */
export function whereTurn({ scene, random, phrasings }: TaskContext): Turn | null {
  const placed = scene.objects.flatMap((_, index) => (placeOf(scene, index) === '' ? [] : [index]));
  if (placed.length === 0) return null;
  const object = random.pick(placed);
  const place = placeOf(scene, object);
  const answer = [text('The '), phrase(scene.objects[object].category.name, [object]), text(` is ${place}.`)];
  return regionTurn(wordQuestion('where', phrasings, random), [object], answer, place);
}

/** "Where is [OBJ] relative to [OBJ]?" */
function relationTurn(context: TaskContext): Turn | null {
  const { scene, random, phrasings } = context;
  const found = findRelated(context);
  if (!found) return null;
  const { one, other, relation } = found;
  const words = RELATION_PHRASES[relation];
  const answer = [
    text('The '),
    phrase(nameAt(scene, one), [one]),
    text(` is ${words} the `),
    phrase(nameAt(scene, other), [other]),
    text('.'),
  ];
  return regionTurn(wordQuestion('relation', phrasings, random), [one, other], answer, words);
}

/** "Is [OBJ] to the left of [OBJ]?" */
function isRelatedTurn(context: TaskContext): Turn | null {
  const { scene, random, phrasings } = context;
  const found = findRelated(context);
  if (!found) return null;
  const { one, other, relation } = found;
  const isRight = random.chance(0.5);
  const asked = isRight ? relation : OPPOSITE[relation]!;
  const answer = [
    ...[text('The '), phrase(nameAt(scene, one), [one]), text(` is ${RELATION_PHRASES[relation]} the `)],
    ...[phrase(nameAt(scene, other), [other]), text(`: ${yesOrNo(isRight)}.`)],
  ];
  const words = wordQuestion('isRelated', phrasings, random, RELATION_PHRASES[asked]);
  return regionTurn(words, [one, other], answer, yesOrNo(isRight));
}

/** "Which is larger, [OBJ] or [OBJ]?" of two different kinds. */
function largerTurn({ scene, random, phrasings }: TaskContext): Turn | null {
  for (let attempt = 0; attempt < MAX_PAIRS; attempt++) {
    const [one, other] = pickPair(scene, random);
    const truth = largerTruth(scene.objects[one], scene.objects[other]);
    if (truth === 'unclear' || nameAt(scene, one) === nameAt(scene, other)) continue;
    const larger = truth === 'yes' ? one : other;
    const answer = [text('The '), phrase(nameAt(scene, larger), [larger]), text(' is larger.')];
    return regionTurn(wordQuestion('larger', phrasings, random), [one, other], answer, nameAt(scene, larger));
  }
  return null;
}

/** "What is in [OBJ]?" */
function contentsTurn({ scene, random, phrasings }: TaskContext): Turn | null {
  const holder = pickHolder(scene, random);
  if (holder === null) return null;
  const contents = contentsOf(scene, holder);
  const relation = holdingRelation(scene.objects[holder]);
  const groups = groupsOf(scene, contents);
  const answer = [
    text(groups[0].length > 1 ? 'There are ' : 'There is '),
    ...listGroups(scene, groups),
    text(` ${relation} it.`),
  ];
  return regionTurn(wordQuestion('contents', phrasings, random, relation), [holder], answer);
}

/** "How many objects are in [OBJ]?" */
function howManyHeldTurn({ scene, random, phrasings }: TaskContext): Turn | null {
  const holder = pickHolder(scene, random);
  if (holder === null) return null;
  const contents = contentsOf(scene, holder);
  const relation = holdingRelation(scene.objects[holder]);
  const expected = numberWord(contents.length);
  const answer = [phrase('objects', contents), text(` ${relation} it: ${expected}.`)];
  return regionTurn(wordQuestion('howManyHeld', phrasings, random, relation), [holder], answer, expected);
}

/** "What is above [OBJ]?" where exactly one thing plainly is. */
export function neighbourTurn({ scene, random, phrasings }: TaskContext): Turn | null {
  for (let attempt = 0; attempt < MAX_PAIRS; attempt++) {
    const anchor = random.int(0, scene.objects.length - 1);
    const relation = random.pick<Relation>([...SPATIAL, 'next to']);
    const found = soleNeighbour(scene, anchor, relation);
    if (found === null) continue;
    const name = nameAt(scene, found);
    const answer = [text(`It is ${articleFor(name)} `), phrase(name, [found]), text('.')];
    return regionTurn(wordQuestion('neighbour', phrasings, random, RELATION_PHRASES[relation]), [anchor], answer, name);
  }
  return null;
}

/** The one thing (no part) that has the relation to the anchor when no other is a doubtful case; else null. */
export function soleNeighbour(scene: Scene, anchor: number, relation: Relation): number | null {
  const truths = scene.objects.map(({ category }, index) =>
    category.kind === 'part' || index === anchor ? 'no' : relationTruth(scene, index, relation, anchor),
  );
  const fits = truths.flatMap((truth, index) => (truth === 'yes' ? [index] : []));
  return fits.length === 1 && !truths.includes('unclear') ? fits[0] : null;
}

/** What is asked about regions, by kind. */
const QA_TURNS = {
  colour: colourTurn,
  colourOf: colourOfTurn,
  isA: isATurn,
  exists: existsTurn,
  where: whereTurn,
  relation: relationTurn,
  isRelated: isRelatedTurn,
  larger: largerTurn,
  contents: contentsTurn,
  howManyHeld: howManyHeldTurn,
  neighbour: neighbourTurn,
} as const satisfies Record<RegionQuestion, TurnMaker>;

const regionQuestions = Object.keys(QA_TURNS) as RegionQuestion[];

const yesOrNo = (isRight: boolean): string => (isRight ? 'yes' : 'no');

function findRelated({ scene, random }: TaskContext): { one: number; other: number; relation: Relation } | null {
  for (let attempt = 0; attempt < MAX_PAIRS; attempt++) {
    const [one, other] = pickPair(scene, random);
    const relations = SPATIAL.filter((relation) => relationTruth(scene, one, relation, other) === 'yes');
    if (relations.length === 1) return { one, other, relation: relations[0] };
  }
  return null;
}

function pickPair({ objects }: Scene, random: TaskContext['random']): [number, number] {
  return [random.int(0, objects.length - 1), random.int(0, objects.length - 1)];
}

function pickHolder(scene: Scene, random: TaskContext['random']): number | null {
  const holders = scene.objects.flatMap((_, index) => (contentsOf(scene, index).length > 0 ? [index] : []));
  return holders.length > 0 ? random.pick(holders) : null;
}

function nameAt({ objects }: Scene, index: number): string {
  return objects[index].category.name;
}

/** Every fixed word of the answers above and of the captions, for the vocabulary. */
export const ANSWER_WORDS: readonly string[] = [
  ...'yes no zero There is are the The a an it It of in on In On and larger objects object there with'.split(' '),
  ...Object.values(RELATION_PHRASES).flatMap((words) => words.split(' ')),
  ...Object.values(SIDE_PHRASES).flatMap((words) => words.split(' ')),
  ...CATEGORIES.flatMap(({ hypernyms }) => hypernyms).filter((noun) => COUNTABLE_HYPERNYMS.includes(noun)),
];
