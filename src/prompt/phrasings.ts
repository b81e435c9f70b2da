/**
 * How questions are asked. Training hears the wordings of `prompt/templates.ts` (so the package's own API asks in words
 * that a model of this world knows) and the `seen` list; validation and test hear the `unseen` list, whose sentences no
 * training sample contains though their words are ordinary ones.
 *
 * `[OBJ]` is replaced by phrases or regions joined with "; ", as the released models expect.
 */

import type { GroundedText } from '../grounding/grounded-text.ts';
import type { Random } from '../random.ts';
import { questionFor, type Task, wordingCount } from './templates.ts';
import { type Wordings, wordings } from './wordings.ts';

/** Which wordings a sample may use; by default `seen` for train and `unseen` for val and test. */
export type Phrasings = 'seen' | 'unseen';

/** Tasks that are asked with a wording of their own. */
export type AskedTask = Exclude<Task, 'conversation' | 'region-qa'> | 'region-referring' | 'detect-all';

interface AskedWordings extends Wordings {
  /** The task of `prompt/templates.ts` whose wordings are heard too. */
  readonly official?: Task;
}

export const PHRASINGS: Readonly<Record<AskedTask, AskedWordings>> = {
  detect: {
    official: 'detect',
    ...wordings(
      [
        '(Please)? (detect|find|locate|point out) (every|each|all)? [OBJ]( in (this|the) image)?(.|. Give the object indexes.|. Answer with object indexes.)',
        'Can you (detect|find|locate|point out) (every|each|all)? [OBJ]( in (this|the) image)??( Give the object indexes.)?',
        '(Please|Can you)? show me (every|all)? [OBJ]( in (this|the) image)?( by object indexes)?.',
        'Where (is|are) [OBJ]( in (this|the) image)??( Answer with object indexes.)?',
        'Tell me (which objects are [OBJ]|where [OBJ] is).',
        'Which (object is|objects are|of them is) [OBJ]?( Give the object indexes.)?',
        'Do you see [OBJ]? Give the object indexes.',
      ],
      [
        'Can you find [OBJ]? Answer with object indexes.',
        'Locate every [OBJ] in this image.',
        'Please show me where [OBJ] is.',
      ],
    ),
  },
  'detect-all': wordings(
    [
      '(Please)? (detect|locate|show me) (all objects|everything|every object)( in (this|the) image)?.',
      '(Find|Point out) (everything|every object)( in (this|the) image)?( and give the object indexes)?.',
      'What (objects are there|is there)? Give the object indexes.',
      'What is in (this|the) image? (Answer with|Give the) object indexes.',
    ],
    ['Please find all objects and give the object indexes.', 'Which objects are in this image?'],
  ),
  count: {
    official: 'count',
    ...wordings(
      [
        'How many [OBJ] (are there|are|can you find|can you see)( in (this|the) image)??',
        '(Please)? count (all|the)? [OBJ]( in (this|the) image)?.',
        '(Tell me|Give) the number of [OBJ]( in (this|the) image)?.',
        'What number of [OBJ] (is there|do you see|can you find)( in (this|the) image)??',
        'Tell me how many [OBJ] there are.',
      ],
      ['Can you count [OBJ] in this image?', 'What is the number of [OBJ] in the image?', 'How many [OBJ] do you see?'],
    ),
  },
  'region-category': {
    official: 'region-category',
    ...wordings(
      [
        '(Please)? (give|tell me) the (name|category|category name) of [OBJ].',
        'What (is|do you see at) [OBJ]?',
        'What is the (category|category name) of [OBJ]?',
        'What (kind of thing|kind of object) is [OBJ]?',
        'Which (object|thing|kind of object) is [OBJ]?',
        '(Please)? name (the category of|the object at) [OBJ].',
        'Tell me what [OBJ] is.',
      ],
      ['What is the name of [OBJ]?', 'Which category is [OBJ]?', 'Please name [OBJ].'],
    ),
  },
  'region-phrase': {
    official: 'region-phrase',
    ...wordings(
      [
        '(Please)? describe [OBJ] (with|by) a short phrase.',
        '(Please)? (give|write|tell me) a short phrase for [OBJ].',
        'Which short phrase (describes|is for) [OBJ]?',
        'What is [OBJ]? Answer with a short phrase.',
      ],
      ['What is a short phrase for [OBJ]?', 'Please describe [OBJ] in a short phrase.'],
    ),
  },
  'region-brief': {
    official: 'region-brief',
    ...wordings(
      [
        'Briefly describe [OBJ]( in (this|the) image)?.',
        '(Please)? (give|write|tell me|provide) a brief description of [OBJ].',
        'What is [OBJ]? Answer with a brief description.',
        'Describe [OBJ] briefly.',
      ],
      ['Please describe [OBJ] briefly.', 'What is a brief description of [OBJ]?'],
    ),
  },
  'region-sentence': {
    official: 'region-sentence',
    ...wordings(
      [
        '(Please)? describe [OBJ] (in|with) one sentence.',
        '(Please)? (give|write|provide) a one sentence description of [OBJ].',
        'What is [OBJ]? Answer in (one|a single) sentence.',
        'Say in (one|a single) sentence what [OBJ] is.',
        'Tell me in one sentence what you see at [OBJ].',
      ],
      ['Please describe [OBJ] in a single sentence.', 'What is a one sentence description of [OBJ]?'],
    ),
  },
  'region-referring': wordings(
    [
      'Describe [OBJ] so that it cannot be mistaken for another( object)?.',
      '(Which|What) phrase fits [OBJ] and no other( object)??',
      '(Please)? (give|tell me|find) a phrase that fits [OBJ] and no other object.',
      'Refer to [OBJ] with a phrase that fits (no other object|it and no other).',
      'Write a phrase for [OBJ] that fits no other object.',
    ],
    ['Write a phrase that fits [OBJ] and no other object.', 'Refer to [OBJ] so that it cannot be mistaken.'],
  ),
  'caption-brief': {
    official: 'caption-brief',
    ...wordings(
      [
        '(Please)? briefly describe (this|the) image (with a grounded answer|and ground every object).',
        '(Please)? (give|write|provide) a brief grounded caption( of (this|the) image)?.',
        'What is in (this|the) image? Answer (briefly|in one sentence) and ground every object.',
        '(Please)? describe (this|the) image (briefly|in a single sentence) and ground every object.',
      ],
      [
        'Please write a brief caption and ground every object.',
        'Describe this image in one sentence with a grounded answer.',
      ],
    ),
  },
  'caption-detailed': {
    official: 'caption-detailed',
    ...wordings(
      [
        '(Please)? describe (this|the) image in detail (with a grounded answer|and ground every object).',
        '(Please)? (give|write|provide) a detailed grounded caption( of (this|the) image)?.',
        '(What do you see in|What is in) (this|the) image? Tell every detail and ground every object.',
        'Tell (me everything|everything) you see( in (this|the) image)? in detail and ground every object.',
      ],
      [
        'Please write a detailed caption and ground every object.',
        'Describe in detail everything you see with a grounded answer.',
      ],
    ),
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

/** A question about one region of the image. */
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
