/** Conversations about a sample: those that are stored with it, and those that its regions and phrases answer. */

import type { ConversationWish, VocabularyEntry } from '../dataset.ts';
import type { Conversation, Sample } from '../sample.ts';
import { counting } from './counting.ts';
import { detection, longTailDetection, phraseGrounding, referring } from './finding.ts';
import type { TaskContext } from './known.ts';
import { regionCaption } from './region-captions.ts';
import { regionQuestion } from './region-questions.ts';

type Maker = (context: TaskContext, wish: ConversationWish) => Conversation | null;

const makers: Readonly<Record<string, Maker>> = {
  detection,
  'long-tail-detection': longTailDetection,
  'phrase-grounding': phraseGrounding,
  referring,
  'region-caption': (context, { regionStyle }) => regionCaption(context, regionStyle),
  'region-qa': (context, { kinds }) => regionQuestion(context, kinds),
  counting,
};

/** The tasks of the paper (section 4.2, tables 7 and 8), by the names that configurations use. */
export const conversationTasks = [...Object.keys(makers), 'brief-caption', 'detailed-caption', 'conversation'] as const;

/**
 * As many of each task as are wished for, fewer where the sample has no answer to more. Stored conversations come
 * first; doubles are dropped.
 * @example conversationsOf(await data.sample(0), data.vocabulary, {
 *     counts: { detection: 2 },
 *     wordings: 'seen',
 *     random: createRandom('0'),
 *   });
 */
export function conversationsOf(
  sample: Sample,
  vocabulary: readonly VocabularyEntry[],
  wish: ConversationWish,
): Conversation[] {
  const { counts, random, wordings } = wish;
  const context: TaskContext = { sample, vocabulary, wordings, random };
  return Object.entries(counts).flatMap(([task, count]) => {
    const found = random.shuffle(sample.conversations.filter((one) => isWished(one, task, wish))).slice(0, count);
    const said = new Set<string>();
    for (let attempt = found.length; attempt < count; attempt++) {
      const made = makers[task]?.(context, wish);
      const key = JSON.stringify(made?.turns);
      if (!made || said.has(key)) continue;
      said.add(key);
      found.push(made);
    }
    return found;
  });
}

function isWished(
  { task, style, turns }: Conversation,
  wanted: string,
  { kinds, regionStyle }: ConversationWish,
): boolean {
  if (task !== wanted) return false;
  if (regionStyle !== undefined && style !== undefined && style !== regionStyle) return false;
  return kinds === undefined || turns.every(({ kind }) => kind === undefined || kinds.includes(kind));
}
