/** Questions with one right fact that boxes and names answer: kind, existence, place, relation, size. */

import type { GroundedText, Turn } from '../../grounding/grounded-text.ts';
import { askGrounded, inOneWord, regionTurn, wordQuestion } from '../../prompt/questions.ts';
import { articleFor } from '../../prompt/words.ts';
import type { Random } from '../../random.ts';
import type { Conversation, Region } from '../sample.ts';
import { absentNames, completeCategories, regionsNamed, type TaskContext } from './known.ts';

const makers = {
  isA: isATurn,
  exists: existsTurn,
  where: whereTurn,
  relation: relationTurn,
  isRelated: isRelatedTurn,
  larger: largerTurn,
} satisfies Record<string, (context: TaskContext) => Turn | null>;

/** Kinds of questions about regions that any data set with names has answers to. */
export const regionQuestionKinds = Object.keys(makers) as readonly (keyof typeof makers)[];

/** A question of a random kind, of those asked for, that the sample has an answer to. */
export function regionQuestion(context: TaskContext, kinds?: readonly string[]): Conversation | null {
  const { random } = context;
  for (const kind of random.shuffle(kinds ?? regionQuestionKinds)) {
    const turn = Object.hasOwn(makers, kind) ? makers[kind as keyof typeof makers](context) : null;
    if (turn) return { task: 'region-qa', turns: [{ ...asAsked(turn, random), kind }] };
  }
  return null;
}

/** Half of the answers are asked to be grounded, and some to be one word, as benchmarks do. */
function asAsked(turn: Turn, random: Random): Turn {
  const [fact] = turn.accepted ?? [];
  const way = random.next();
  if (way < 0.15 && fact !== undefined) {
    return { ...turn, question: [...turn.question, text(inOneWord)], answer: [text(fact)] };
  }
  return way < 0.55 ? askGrounded(turn, random) : turn;
}

const text = (words: string): GroundedText[number] => ({ kind: 'text', text: words });
const phrase = (words: string, ...objects: number[]): GroundedText[number] => ({
  kind: 'phrase',
  text: words,
  objects,
});
const yesOrNo = (isTrue: boolean) => (isTrue ? 'yes' : 'no');

/** "Is [OBJ] a dog?" A wrong name is one of the image's own, or an absent one. */
function isATurn(context: TaskContext): Turn | null {
  const { sample, random, wordings } = context;
  const region = pickNamed(context);
  if (region === null) return null;
  const name = nameOf(context, region);
  const others = [...new Set(sample.regions.flatMap(({ category }) => category ?? []))].filter((one) => one !== name);
  const wrong = [...others, ...absentNames(context, 2)];
  const asked = wrong.length > 0 && random.chance(0.5) ? random.pick(wrong) : name;
  const fact = yesOrNo(asked === name);
  const answer = [text(`It is ${articleFor(name)} `), phrase(name, region), text(`: ${fact}.`)];
  return regionTurn(wordQuestion('isA', wordings, random, `${articleFor(asked)} ${asked}`), [region], answer, fact);
}

/** "Is there a dog in the image?" Half of the questions are about what is absent. */
function existsTurn(context: TaskContext): Turn | null {
  const { sample, random, wordings } = context;
  const present = completeCategories(sample);
  const absent = absentNames(context, 1);
  const names = random.chance(0.5) && absent.length > 0 ? absent : present;
  if (names.length === 0) return null;
  const asked = random.pick(names);
  const regions = regionsNamed(sample, asked);
  const fact = yesOrNo(regions.length > 0);
  const words = wordQuestion('exists', wordings, random, `${articleFor(asked)} ${asked}`);
  return regionTurn(words, [], [phrase(asked, ...regions), text(`: ${fact}.`)], fact);
}

/** "Where is [OBJ]?" of a region that lies plainly at a side. */
function whereTurn(context: TaskContext): Turn | null {
  const { sample, random, wordings } = context;
  const { size } = sample.image ?? {};
  if (!size) return null;
  for (const region of random.shuffle(namedRegions(context))) {
    const [x, y] = centreOf(sample.regions[region]);
    const place = placeAt(x / size.width, y / size.height);
    if (place === null) continue;
    const answer = [text('The '), phrase(nameOf(context, region), region), text(` is ${place}.`)];
    return regionTurn(wordQuestion('where', wordings, random), [region], answer, place);
  }
  return null;
}

/** Shares of the image that lie plainly at a side. */
const [low, high] = [0.38, 0.62];

function placeAt(x: number, y: number): string | null {
  const isCentral = (value: number) => value > low && value < high;
  if (isCentral(y) && x <= low) return 'on the left';
  if (isCentral(y) && x >= high) return 'on the right';
  if (isCentral(x) && y <= low) return 'at the top';
  if (isCentral(x) && y >= high) return 'at the bottom';
  return isCentral(x) && isCentral(y) ? 'in the middle' : null;
}

const opposites = {
  'to the left of': 'to the right of',
  'to the right of': 'to the left of',
  above: 'below',
  below: 'above',
} as const;

type Relation = keyof typeof opposites;

/** "Where is [OBJ] relative to [OBJ]?" */
function relationTurn(context: TaskContext): Turn | null {
  const found = findRelated(context);
  if (!found) return null;
  const { one, other, relation } = found;
  const answer = [
    ...[text('The '), phrase(nameOf(context, one), one), text(` is ${relation} the `)],
    ...[phrase(nameOf(context, other), other), text('.')],
  ];
  return regionTurn(wordQuestion('relation', context.wordings, context.random), [one, other], answer, relation);
}

/** "Is [OBJ] to the left of [OBJ]?" */
function isRelatedTurn(context: TaskContext): Turn | null {
  const found = findRelated(context);
  if (!found) return null;
  const { one, other, relation } = found;
  const isRight = context.random.chance(0.5);
  const answer = [
    ...[text('The '), phrase(nameOf(context, one), one), text(` is ${relation} the `)],
    ...[phrase(nameOf(context, other), other), text(`: ${yesOrNo(isRight)}.`)],
  ];
  const asked = isRight ? relation : opposites[relation];
  const words = wordQuestion('isRelated', context.wordings, context.random, asked);
  return regionTurn(words, [one, other], answer, yesOrNo(isRight));
}

/** "Which is larger, [OBJ] or [OBJ]?" of two different kinds, of which one covers at least twice as much. */
function largerTurn(context: TaskContext): Turn | null {
  const { sample, random, wordings } = context;
  for (const [one, other] of randomPairs(context)) {
    if (nameOf(context, one) === nameOf(context, other)) continue;
    const [a, b] = [areaOf(sample.regions[one]), areaOf(sample.regions[other])];
    if (Math.max(a, b) < 2 * Math.min(a, b)) continue;
    const larger = a > b ? one : other;
    const name = nameOf(context, larger);
    const answer = [text('The '), phrase(name, larger), text(' is larger.')];
    return regionTurn(wordQuestion('larger', wordings, random), [one, other], answer, name);
  }
  return null;
}

/** Two regions, apart along one axis and close along the other. */
function findRelated(context: TaskContext): { one: number; other: number; relation: Relation } | null {
  const { regions } = context.sample;
  for (const [one, other] of randomPairs(context)) {
    const [a, b] = [regions[one].boxXyxy, regions[other].boxXyxy];
    const [dx, dy] = [Math.max(b[0] - a[2], a[0] - b[2]), Math.max(b[1] - a[3], a[1] - b[3])];
    if (dx >= 0 && dy < 0) return { one, other, relation: a[2] <= b[0] ? 'to the left of' : 'to the right of' };
    if (dy >= 0 && dx < 0) return { one, other, relation: a[3] <= b[1] ? 'above' : 'below' };
  }
  return null;
}

/** Pairs looked at before a kind of question is given up. */
const mostPairs = 30;

function randomPairs(context: TaskContext): [number, number][] {
  const named = namedRegions(context);
  if (named.length < 2) return [];
  return Array.from({ length: mostPairs }, () => {
    const [one, other] = context.random.shuffle(named);
    return [one, other];
  });
}

const namedRegions = ({ sample }: TaskContext): number[] =>
  sample.regions.flatMap(({ category, isIgnored }, region) => (category === undefined || isIgnored ? [] : [region]));

function pickNamed(context: TaskContext): number | null {
  const named = namedRegions(context);
  if (named.length === 0) return null;
  // Every name of the image alike, however often it is there.
  const name = context.random.pick([...new Set(named.map((region) => nameOf(context, region)))]);
  return context.random.pick(named.filter((region) => nameOf(context, region) === name));
}

const nameOf = ({ sample }: TaskContext, region: number): string => sample.regions[region].category as string;
const centreOf = ({ boxXyxy: [x1, y1, x2, y2] }: Region): [number, number] => [(x1 + x2) / 2, (y1 + y2) / 2];
const areaOf = ({ boxXyxy: [x1, y1, x2, y2] }: Region): number => (x2 - x1) * (y2 - y1);
