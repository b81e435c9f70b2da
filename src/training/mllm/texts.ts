/** What is asked and answered about a training image: conversations of all tasks, as many as there is room for. */

import type { ImageTexts, PackedText } from '../../chatrex/pack-texts.ts';
import type { Conversation } from '../../datasets/sample.ts';
import { maxObjects } from '../../grounding/dialect.ts';
import type { Turn } from '../../grounding/grounded-text.ts';
import type { Chat } from '../../prompt/conversation.ts';
import { inOneWord } from '../../prompt/questions.ts';
import { encodeTrainingSample } from '../../prompt/training-sample.ts';
import type { Random } from '../../random.ts';
import type { ObjectList } from './object-list.ts';

/** How many conversations of each task are tried for an image. */
export type TaskMixture = Readonly<Record<string, number>>;

/** What an image is asked. */
export interface Questions {
  readonly mixture: TaskMixture;
  /** Captions of regions are in this style alone. */
  readonly regionStyle?: string;
  /** Questions about regions are of these kinds alone; a kind that is listed twice comes twice as often. */
  readonly regionQuestions?: readonly string[];
}

/**
 * A stretch of training with tasks of its own: a small model learns an ability soon if it is asked for nothing else.
 */
export interface Lesson extends Questions {
  readonly steps: number;
}

/** First the lessons, one after the other, then `mixture`. */
export interface Curriculum {
  readonly lessons: readonly Lesson[];
  readonly mixture: TaskMixture;
}

/** @param step from 0 */
export function lessonAt({ lessons, mixture }: Curriculum, step: number): Questions {
  let end = 0;
  for (const lesson of lessons) {
    end += lesson.steps;
    if (step < end) return lesson;
  }
  return { mixture };
}

/** All tasks that a curriculum asks for. */
export const tasksOf = ({ lessons, mixture }: Curriculum): string[] => [
  ...new Set([...lessons.flatMap((lesson) => Object.keys(lesson.mixture)), ...Object.keys(mixture)]),
];

/** Regions that a conversation names. */
export const namedRegions = (turns: readonly Turn[]): number[] => [
  ...new Set(
    turns.flatMap(({ question, answer }) =>
      [...question, ...answer].flatMap((span) => (span.kind === 'phrase' ? span.objects : [])),
    ),
  ),
];

/** In random order, as many conversations as together name no more regions than a list of boxes holds. */
export function chooseConversations(
  conversations: readonly Conversation[],
  random: Random,
): { readonly chosen: readonly Conversation[]; readonly regions: ReadonlySet<number> } {
  const regions = new Set<number>();
  const chosen = random.shuffle(conversations).filter(({ turns }) => {
    const named = new Set([...regions, ...namedRegions(turns)]);
    if (named.size > maxObjects) return false;
    for (const region of named) regions.add(region);
    return true;
  });
  return { chosen, regions };
}

/** Asks for one word behind a share of the questions that have a short answer. */
export const askedInOneWord = (
  conversations: readonly Conversation[],
  share: number,
  random: Random,
): readonly Conversation[] =>
  share === 0
    ? conversations
    : conversations.map((conversation) => ({
        ...conversation,
        turns: conversation.turns.map((turn) =>
          turn.accepted && random.chance(share)
            ? { ...turn, question: [...turn.question, { kind: 'text' as const, text: inOneWord }] }
            : turn,
        ),
      }));

export interface TextOptions {
  /** Tokens for questions and answers together. */
  readonly room: number;
  /** Puts objects of a list in any order; without it they ascend. */
  readonly listOrder?: Random;
  /** Whether there is an image. */
  readonly hasImage: boolean;
}

/**
 * Conversations in their order, each if there is room for it; of one that is longer than all the room, its first turns.
 * @param list holds every region that they name
 */
export function imageTexts(
  conversations: readonly Conversation[],
  list: ObjectList,
  chat: Chat,
  { room, listOrder, hasImage }: TextOptions,
): ImageTexts {
  const boxCount = list.boxesXyxy.length / 4;
  const texts: PackedText[] = [];
  let left = room;
  const encode = (turns: readonly Turn[]) =>
    encodeTrainingSample(chat, turns, { objectIndex: list.indexOf, boxCount, random: listOrder });
  for (const { turns } of conversations) {
    let fitting = encode(turns);
    for (let count = turns.length - 1; fitting.ids.length > room && count > 0; count--) {
      fitting = encode(turns.slice(0, count));
    }
    if (fitting.ids.length > left) continue;
    left -= fitting.ids.length;
    texts.push({ ids: fitting.ids, isTarget: fitting.isTarget });
  }
  const prefix = chat.prefix(boxCount);
  return { prefix: hasImage ? prefix : prefix.filter(({ kind }) => kind !== 'image'), texts };
}
