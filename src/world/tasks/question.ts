/**
 * Questions in free words, shared by region questions and conversations: wordings, heard and held out, and whether the
 * answer is grounded or plain.
 */

import type { GroundedText } from '../../grounding/grounded-text.ts';
import { questionFor, wordingCount } from '../../prompt/templates.ts';
import type { Random } from '../../random.ts';
import { type Phrasings, withRegions } from '../phrasings.ts';
import { text, type WorldTurn } from '../sample.ts';

interface Wordings {
  readonly seen: readonly string[];
  readonly unseen: readonly string[];
}

/** `[OBJ]` is a region or, in conversations, "it"; `{name}` is a noun or phrase. */
export const QUESTIONS = {
  colour: {
    seen: ['What color is [OBJ]?', 'Which color does [OBJ] have?', 'What is the color of [OBJ]?'],
    unseen: ['Tell me the color of [OBJ].', 'Which color is [OBJ]?'],
  },
  colourOf: {
    seen: ['What color is the {name}?', 'Which color does the {name} have?'],
    unseen: ['Tell me the color of the {name}.', 'Which color is the {name}?'],
  },
  isA: {
    seen: ['Is [OBJ] {name}?', 'Do you see {name} at [OBJ]?'],
    unseen: ['Is it {name} at [OBJ]?', 'Tell me: is [OBJ] {name}?'],
  },
  exists: {
    seen: ['Is there {name} in the image?', 'Do you see {name}?', 'Is there {name}?'],
    unseen: ['Can you see {name} in this image?', 'Do you see {name} in the image?'],
  },
  where: {
    seen: ['Where is [OBJ]?', 'Where in the image is [OBJ]?'],
    unseen: ['Tell me where [OBJ] is.', 'Where do you see [OBJ]?'],
  },
  relation: {
    seen: ['Where is [OBJ] relative to [OBJ]?', 'How is [OBJ] placed relative to [OBJ]?'],
    unseen: ['Where do you see [OBJ] relative to [OBJ]?', 'Tell me where [OBJ] is relative to [OBJ].'],
  },
  isRelated: {
    seen: ['Is [OBJ] {name} [OBJ]?', 'Do you see [OBJ] {name} [OBJ]?'],
    unseen: ['Can you see [OBJ] {name} [OBJ]?', 'Tell me: is [OBJ] {name} [OBJ]?'],
  },
  larger: {
    seen: ['Which is larger, [OBJ] or [OBJ]?', 'Which one is larger: [OBJ] or [OBJ]?'],
    unseen: ['Tell me which is larger, [OBJ] or [OBJ].', 'Of [OBJ] and [OBJ], which is larger?'],
  },
  contents: {
    seen: ['What is {name} [OBJ]?', 'Which objects are {name} [OBJ]?'],
    unseen: ['Tell me what is {name} [OBJ].', 'What do you see {name} [OBJ]?'],
  },
  howManyHeld: {
    seen: ['How many objects are {name} [OBJ]?', 'Count the objects {name} [OBJ].'],
    unseen: ['What is the number of objects {name} [OBJ]?', 'How many objects do you see {name} [OBJ]?'],
  },
  neighbour: {
    seen: ['What is {name} [OBJ]?', 'Which object is {name} [OBJ]?'],
    unseen: ['Tell me what is {name} [OBJ].', 'What do you see {name} [OBJ]?'],
  },
  whichOne: {
    seen: ['Which one is the {name}?', 'Show me the {name} one.'],
    unseen: ['Which of them is the {name}?', 'Can you find the {name} one?'],
  },
  allColour: {
    seen: ['How many of them are {name}?', 'Which of them are {name}?'],
    unseen: ['How many of them do you see in {name}?', 'Tell me how many of them are {name}.'],
  },
} as const satisfies Record<string, Wordings>;

export type QuestionKind = keyof typeof QUESTIONS;

/** A wording with its name filled in; `[OBJ]`s are left. */
export function wordQuestion(kind: QuestionKind, phrasings: Phrasings, random: Random, name = ''): string {
  return random.pick<string>(QUESTIONS[kind][phrasings]).replace('{name}', () => name);
}

/** A question about regions in those words. */
export function regionTurn(
  words: string,
  regions: readonly number[],
  answer: GroundedText,
  expected?: string,
): WorldTurn {
  return { question: withRegions(words, regions), answer, ...(expected !== undefined && { expected }) };
}

/** How a grounded answer is asked for, around the question `[OBJ]`: the wordings of the released models. */
export function groundingWordings(): string[] {
  return Array.from({ length: wordingCount('conversation') }, (_, at) => questionFor('conversation', ['[OBJ]'], at));
}

/** The same turn asked for a grounded answer. */
export function askGrounded({ question, ...rest }: WorldTurn, random: Random): WorldTurn {
  const [before, after] = random.pick(groundingWordings()).split('[OBJ]');
  return {
    ...rest,
    question: [text(before), ...question, text(after)].filter((s) => s.kind === 'phrase' || s.text !== ''),
  };
}

/** The same turn answered in plain words. */
export function answerPlainly({ answer, ...rest }: WorldTurn): WorldTurn {
  return { ...rest, answer: [text(answer.map((span) => span.text).join(''))] };
}
