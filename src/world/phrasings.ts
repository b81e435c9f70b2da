/**
 * How questions are asked. Training hears the wordings of `prompt/templates.ts` (so the package's own API asks in words
 * that a model of this world knows) and the `seen` list; validation and test hear the `unseen` list, whose sentences no
 * training sample contains though their words are ordinary ones.
 *
 * `[OBJ]` is replaced by phrases or regions joined with "; ", as the released models expect.
 */

import type { GroundedText } from '../grounding/grounded-text.ts';
import { questionFor, type Task, wordingCount } from '../prompt/templates.ts';
import type { Random } from '../random.ts';

/** Which wordings a sample may use; by default `seen` for train and `unseen` for val and test. */
export type Phrasings = 'seen' | 'unseen';

/** Tasks that are asked with a wording of their own. */
export type AskedTask = Exclude<Task, 'conversation' | 'region-qa'> | 'region-referring' | 'detect-all';

interface Wordings {
  /** The task of `prompt/templates.ts` whose wordings are heard too. */
  readonly official?: Task;
  readonly seen: readonly string[];
  readonly unseen: readonly string[];
}

export const PHRASINGS: Readonly<Record<AskedTask, Wordings>> = {
  detect: {
    official: 'detect',
    seen: [
      'Detect [OBJ].',
      'Find [OBJ] in the image.',
      'Where is [OBJ]?',
      'Show me [OBJ].',
      'Locate [OBJ] with object indexes.',
    ],
    unseen: [
      'Can you find [OBJ]? Answer with object indexes.',
      'Locate every [OBJ] in this image.',
      'Please show me where [OBJ] is.',
    ],
  },
  'detect-all': {
    seen: [
      'Detect all objects in this image.',
      'What objects are there? Give the object indexes.',
      'Find everything in the image.',
    ],
    unseen: ['Please find all objects and give the object indexes.', 'Which objects are in this image?'],
  },
  count: {
    official: 'count',
    seen: ['How many [OBJ] are there?', 'How many [OBJ] can you find in the image?', 'Count all [OBJ].'],
    unseen: [
      'Can you count [OBJ] in this image?',
      'What is the number of [OBJ] in the image?',
      'How many [OBJ] do you see?',
    ],
  },
  'region-category': {
    official: 'region-category',
    seen: ['What is [OBJ]?', 'What is the category of [OBJ]?', 'Give the name of [OBJ].'],
    unseen: ['What is the name of [OBJ]?', 'Which category is [OBJ]?', 'Please name [OBJ].'],
  },
  'region-phrase': {
    official: 'region-phrase',
    seen: ['Describe [OBJ] with a short phrase.', 'Give a short phrase for [OBJ].'],
    unseen: ['What is a short phrase for [OBJ]?', 'Please describe [OBJ] in a short phrase.'],
  },
  'region-brief': {
    official: 'region-brief',
    seen: ['Briefly describe [OBJ].', 'Give a brief description of [OBJ].'],
    unseen: ['Please describe [OBJ] briefly.', 'What is a brief description of [OBJ]?'],
  },
  'region-sentence': {
    official: 'region-sentence',
    seen: ['Describe [OBJ] in one sentence.', 'Give a one sentence description of [OBJ].'],
    unseen: ['Please describe [OBJ] in a single sentence.', 'What is a one sentence description of [OBJ]?'],
  },
  'region-referring': {
    seen: [
      'Describe [OBJ] so that it cannot be mistaken for another object.',
      'Which phrase fits [OBJ] and no other object?',
      'Refer to [OBJ] with a phrase that fits no other object.',
    ],
    unseen: ['Write a phrase that fits [OBJ] and no other object.', 'Refer to [OBJ] so that it cannot be mistaken.'],
  },
  'caption-brief': {
    official: 'caption-brief',
    seen: [
      'Briefly describe this image with a grounded answer.',
      'Give a brief grounded caption.',
      'What is in this image? Answer briefly and ground every object.',
    ],
    unseen: [
      'Please write a brief caption and ground every object.',
      'Describe this image in one sentence with a grounded answer.',
    ],
  },
  'caption-detailed': {
    official: 'caption-detailed',
    seen: [
      'Describe this image in detail with a grounded answer.',
      'Give a detailed grounded caption.',
      'What do you see in this image? Tell every detail and ground every object.',
    ],
    unseen: [
      'Please write a detailed caption and ground every object.',
      'Describe in detail everything you see with a grounded answer.',
    ],
  },
};

/** Of the seen wordings, how often the first official one is used: it is what the API asks. */
const OFFICIAL_SHARE = 0.4;

/** Picks a wording: text with `[OBJ]`. */
export function pickWording(task: AskedTask, phrasings: Phrasings, random: Random): string {
  const { official, seen, unseen } = PHRASINGS[task];
  if (phrasings === 'unseen') return random.pick(unseen);
  if (!official) return random.pick(seen);
  if (random.chance(OFFICIAL_SHARE)) return officialWording(official, 0);
  const others = Array.from({ length: wordingCount(official) - 1 }, (_, at) => officialWording(official, at + 1));
  return random.pick([...others, ...seen]);
}

/** A question about phrases. */
export function askAbout(
  task: AskedTask,
  subjects: readonly string[],
  phrasings: Phrasings,
  random: Random,
): GroundedText {
  return [{ kind: 'text', text: pickWording(task, phrasings, random).replace('[OBJ]', () => subjects.join('; ')) }];
}

/** A question about one region of the picture. */
export function askAboutRegion(task: AskedTask, object: number, phrasings: Phrasings, random: Random): GroundedText {
  return withRegions(pickWording(task, phrasings, random), [object]);
}

/** Replaces every `[OBJ]` of a text by the next region: a phrase span without words. */
export function withRegions(text: string, objects: readonly number[]): GroundedText {
  const pieces = text.split('[OBJ]');
  return pieces.flatMap((piece, at): GroundedText => {
    const words: GroundedText = piece === '' ? [] : [{ kind: 'text', text: piece }];
    return at === pieces.length - 1 ? words : [...words, { kind: 'phrase', text: '', objects: [objects[at]] }];
  });
}

/** Every wording with `[OBJ]`, for the vocabulary. */
export function allWordings(): string[] {
  return Object.values(PHRASINGS).flatMap(({ official, seen, unseen }) => [
    ...Array.from({ length: official ? wordingCount(official) : 0 }, (_, at) => officialWording(official!, at)),
    ...seen,
    ...unseen,
  ]);
}

function officialWording(task: Task, wording: number): string {
  return questionFor(task, ['[OBJ]'], wording);
}
