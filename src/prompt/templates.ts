/**
 * The questions of the paper's tasks (those of its tables 7 and 8), in the words the released models were trained with.
 *
 * The first wording of each task is the released one (IDEA-Research/ChatRex, README and demo), spelled as there,
 * mistakes included: a trained model answers best to the words it knows. The others are ours, for training; so is the
 * plain `region-qa`, for which nothing was released.
 */

import { ChatRexError } from '../errors.ts';
import { objectToken } from '../grounding/dialect.ts';

/** What a task asks about: phrases, boxes, one free question, or the picture as a whole. */
const wordings = {
  /** Categories, phrases and referring expressions alike: common, long-tail, short phrase, referring. */
  detect: [
    'Please detect [OBJ] in this image. Answer the question with object indexes.',
    'Find every [OBJ] and give the object indexes.',
    'Which objects are [OBJ]? Answer with object indexes.',
    'Point out [OBJ] by object indexes.',
  ],
  count: [
    'How many [OBJ] are there in this image? Answer the question with the number of objects and locate them with object indexes.',
    'Count [OBJ] and give the number and the object indexes.',
    'What number of [OBJ] do you see? Show each by its object index.',
  ],
  'region-category': [
    'What is the category name of [OBJ]? Answer the question with its category name in free format.',
    'Name the category of [OBJ].',
    'Which kind of thing is [OBJ]? One name will do.',
  ],
  'region-phrase': [
    'Can you provide me with a short phrase to describe [OBJ]? Answer the question with a short phrase.',
    'Put [OBJ] into a short phrase.',
    'Which short phrase fits [OBJ]?',
  ],
  'region-brief': [
    'Can you provide me with a brief description of [OBJ]? Answer the question with brief description.',
    'Briefly, what does [OBJ] look like and where is it?',
    'Write a brief description of [OBJ].',
  ],
  'region-sentence': [
    'Can you provide a one sentence description of [OBJ] in the image? Answer the question with a one sentence description.',
    'Write one sentence about [OBJ].',
    'Say in a single sentence what [OBJ] is.',
  ],
  'caption-brief': [
    'Please breifly describe this image in one sentence and detect all the mentioned objects. Answer the question with grounded answer.',
    'In one sentence, what is in this image? Ground every object you mention.',
    'Write a brief grounded caption of this image.',
  ],
  'caption-detailed': [
    'Please provide a detailed description of the image and detect all the mentioned objects. Answer the question with grounded object indexes.',
    'Tell everything you see in this image and ground every object you mention.',
    'Write a detailed grounded caption of this image.',
  ],
  /** A question about the picture or, with `<objN>` in it, about regions; answered with boxes. */
  conversation: ['Answer the question in Grounded format. [OBJ]', '[OBJ] Ground your answer.'],
  /** The same, answered in plain words. */
  'region-qa': ['[OBJ]'],
} as const satisfies Record<string, readonly string[]>;

export type Task = keyof typeof wordings;
export const tasks = Object.keys(wordings) as Task[];

/** Region captions, from a category's name to a sentence. */
export const regionStyles = ['category', 'phrase', 'brief', 'sentence'] as const;
export type RegionStyle = (typeof regionStyles)[number];

/** How many wordings a task has; 0 is the released one. */
export const wordingCount = (task: Task): number => wordings[task].length;

/**
 * The question of a task about `subjects` (several are joined by `; ` as the released models expect).
 * @param wording 0, the released one, up to `wordingCount(task) - 1`.
 * @throws ChatRexError 'invalid-argument' when the task needs a subject and none, or only an empty one, is given.
 */
export function questionFor(task: Task, subjects: readonly string[] = [], wording = 0): string {
  const template: string = wordings[task][wording];
  if (!template.includes('[OBJ]')) return template;
  const named = subjects.map((subject) => subject.trim());
  if (named.length === 0 || named.includes('')) {
    throw new ChatRexError('invalid-argument', `${task}: expected something to ask about, came nothing; name it`);
  }
  // A function, so that `$&` and the like in a phrase stay as they are.
  return template.replace('[OBJ]', () => named.join('; '));
}

/**
 * A question for people to read, without the mistake that the released wording keeps because models were trained with
 * it.
 */
export const spelledRight = (question: string): string => question.replace('breifly', 'briefly');

/** The question that asks for captions of boxes. */
export function regionQuestion(style: RegionStyle, boxes: readonly number[], wording = 0): string {
  return questionFor(`region-${style}`, boxes.map(objectToken), wording);
}
