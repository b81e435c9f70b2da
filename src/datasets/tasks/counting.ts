/** Counting with proof: what is counted with its boxes, then the number, which follows from what has been listed. */

import { askAbout } from '../../prompt/phrasings.ts';
import { numberWord, pluralOf } from '../../prompt/words.ts';
import type { Conversation } from '../sample.ts';
import { absentNames, completeCategories, regionsNamed, type TaskContext } from './known.ts';

/** Numbers in words. */
const most = 99;

/** Preferably a category with several regions; now and then one that is absent. */
export function counting(context: TaskContext): Conversation | null {
  const { sample, random, wordings } = context;
  const names = completeCategories(sample).filter((name) => regionsNamed(sample, name).length <= most);
  const several = names.filter((name) => regionsNamed(sample, name).length > 1);
  const [absent] = random.chance(0.1) || names.length === 0 ? absentNames(context, 1) : [];
  if (absent === undefined && names.length === 0) return null;
  const name = absent ?? random.pick(several.length > 0 && random.chance(0.75) ? several : names);
  const regions = regionsNamed(sample, name);
  const words = pluralOf(name);
  const number = numberWord(regions.length);
  return {
    task: 'counting',
    turns: [
      {
        question: askAbout('count', [words], wordings, random),
        answer: [
          { kind: 'phrase', text: words, objects: regions },
          { kind: 'text', text: `: ${number}.` },
        ],
        accepted: [number],
      },
    ],
  };
}
