/**
 * Questions in free words, shared by region questions and conversations: wordings, heard and held out, and how a
 * grounded answer is asked for.
 */

import type { GroundedText, Turn } from '../grounding/grounded-text.ts';
import type { Random } from '../random.ts';
import { type Phrasings, withRegions } from './phrasings.ts';
import { questionFor, wordingCount } from './templates.ts';
import { type Wordings, wordings } from './wordings.ts';

/** `[OBJ]` is a region or, in conversations, "it"; `{name}` is a noun or phrase. */
export const QUESTIONS = {
  colour: wordings(
    [
      'What color is [OBJ]?',
      '(What|Which) color does [OBJ] have?',
      'Which color has [OBJ]?',
      'What is the color of [OBJ]?',
      '(Give|Name) the color of [OBJ].',
      'Tell me (what|which) color [OBJ] (is|has).',
    ],
    ['Tell me the color of [OBJ].', 'Which color is [OBJ]?'],
  ),
  colourOf: wordings(
    [
      'What color (is|has) the {name}?',
      'Which color does the {name} have?',
      'Which color has the {name}?',
      'What is the color of the {name}?',
      '(Give|Name) the color of the {name}.',
      'Tell me (what|which) color the {name} (is|has).',
    ],
    ['Tell me the color of the {name}.', 'Which color is the {name}?'],
  ),
  isA: wordings(
    [
      'Is [OBJ] {name}?',
      '(Do|Can) you see {name} at [OBJ]?',
      '(Is there|Is this) {name} at [OBJ]?',
      'Tell me if [OBJ] is {name}.',
      '[OBJ]: is it {name}?',
    ],
    ['Is it {name} at [OBJ]?', 'Tell me: is [OBJ] {name}?'],
  ),
  exists: wordings(
    [
      'Is there {name}( in (this|the) image)??',
      'Do you see {name}( here)??',
      '(Can|Do) you find {name}( in (this|the) image)??',
      'Tell me if there is {name}( in (this|the) image)?.',
      'Can you see {name}( here| in the image)??',
    ],
    ['Can you see {name} in this image?', 'Do you see {name} in the image?'],
  ),
  where: wordings(
    [
      'Where( in (this|the) image)? is [OBJ]?',
      'Where (can I find|do you find) [OBJ]( in the image)??',
      'Tell me where( in (this|the) image)? [OBJ] is placed.',
      'How is [OBJ] placed in (this|the) image?',
    ],
    ['Tell me where [OBJ] is.', 'Where do you see [OBJ]?'],
  ),
  relation: wordings(
    [
      'Where is [OBJ]( placed)? relative to [OBJ]?',
      'How is [OBJ] placed relative to [OBJ]?',
      'Where (do you find|can I find) [OBJ] relative to [OBJ]?',
      'Tell me how [OBJ] is placed relative to [OBJ].',
      'Relative to the other, where is the first: [OBJ], [OBJ]?',
    ],
    ['Where do you see [OBJ] relative to [OBJ]?', 'Tell me where [OBJ] is relative to [OBJ].'],
  ),
  isRelated: wordings(
    [
      'Is [OBJ] {name} [OBJ]?',
      'Do you (see|find) [OBJ] {name} [OBJ]?',
      'Tell me if [OBJ] is {name} [OBJ].',
      'Can you find [OBJ] {name} [OBJ]?',
      'Is it right that [OBJ] is {name} [OBJ]?',
    ],
    ['Can you see [OBJ] {name} [OBJ]?', 'Tell me: is [OBJ] {name} [OBJ]?'],
  ),
  larger: wordings(
    [
      'Which( one)? is larger(,|:) [OBJ] or [OBJ]?',
      '(Which|What) do you see larger: [OBJ] or [OBJ]?',
      'Tell me which one is larger(,|:) [OBJ] or [OBJ].',
      'Is [OBJ] or [OBJ] larger?',
      'Of these, which( one)? is larger: [OBJ] or [OBJ]?',
    ],
    ['Tell me which is larger, [OBJ] or [OBJ].', 'Of [OBJ] and [OBJ], which is larger?'],
  ),
  contents: wordings(
    [
      'What is {name} [OBJ]?',
      'Which objects are {name} [OBJ]?',
      '(What|Which objects) (can you see|can you find|do you find) {name} [OBJ]?',
      'Tell me (which objects are|what you see) {name} [OBJ].',
      'Name (everything|what is) {name} [OBJ].',
    ],
    ['Tell me what is {name} [OBJ].', 'What do you see {name} [OBJ]?'],
  ),
  howManyHeld: wordings(
    [
      'How many objects (are|are there|can you find|can you see) {name} [OBJ]?',
      '(Please)? count the objects {name} [OBJ].',
      '(Give|Tell me) the number of objects {name} [OBJ].',
      'Tell me how many objects are {name} [OBJ].',
    ],
    ['What is the number of objects {name} [OBJ]?', 'How many objects do you see {name} [OBJ]?'],
  ),
  neighbour: wordings(
    [
      '(What|Which object) is {name} [OBJ]?',
      '(What|Which object) (can you see|can you find|do you find) {name} [OBJ]?',
      'Tell me (which object is|what you see) {name} [OBJ].',
      'Name (the object|what is) {name} [OBJ].',
    ],
    ['Tell me what is {name} [OBJ].', 'What do you see {name} [OBJ]?'],
  ),
  whichOne: wordings(
    [
      'Which( one)? is the {name}?',
      '(Please)? (show me|find|point out) the {name} one.',
      'Can you see which one is the {name}?',
      'Tell me which( one)? is the {name}.',
    ],
    ['Which of them is the {name}?', 'Can you find the {name} one?'],
  ),
  allColour: wordings(
    [
      '(How many|Which) of them are {name}?',
      'How many of them (have the color|can you see in|do you find in) {name}?',
      'Tell me which of them are {name}.',
      'What number of them is {name}?',
    ],
    ['How many of them do you see in {name}?', 'Tell me how many of them are {name}.'],
  ),
} as const satisfies Record<string, Wordings>;

export type QuestionKind = keyof typeof QUESTIONS;

/** A wording with its name filled in; `[OBJ]`s are left. */
export function wordQuestion(kind: QuestionKind, phrasings: Phrasings, random: Random, name = ''): string {
  return random.pick<string>(QUESTIONS[kind][phrasings]).replace('{name}', () => name);
}

/** What LLaVA's training and the scripts of benchmarks put behind a question, so that its answer can be read. */
export const inOneWord = '\nAnswer the question using a single word or phrase.';

/** A question about regions in those words. */
export function regionTurn(words: string, regions: readonly number[], answer: GroundedText, expected?: string): Turn {
  return { question: withRegions(words, regions), answer, ...(expected !== undefined && { accepted: [expected] }) };
}

/** How a grounded answer is asked for, around the question `[OBJ]`: the wordings of the released models. */
export function groundingWordings(): string[] {
  return Array.from({ length: wordingCount('conversation') }, (_, at) => questionFor('conversation', ['[OBJ]'], at));
}

/** The same turn asked for a grounded answer. */
export function askGrounded({ question, ...rest }: Turn, random: Random): Turn {
  const [before, after] = random.pick(groundingWordings()).split('[OBJ]');
  const text = (words: string) => ({ kind: 'text' as const, text: words });
  return {
    ...rest,
    question: [text(before), ...question, text(after)].filter((s) => s.kind === 'phrase' || s.text !== ''),
  };
}
