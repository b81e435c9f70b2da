/** What is asked and answered about a training image: samples of all ten tasks, as many as there is room for. */

import type { ImageTexts, PackedText } from '../../chatrex/pack-texts.ts';
import { ChatRexError } from '../../errors.ts';
import type { Chat } from '../../prompt/conversation.ts';
import { encodeTrainingSample } from '../../prompt/training-sample.ts';
import type { RegionCaptionStyle, WorldTask } from '../../world/sample.ts';
import { makeSamples, sampleRandom } from '../../world/samples.ts';
import type { Scene } from '../../world/scene.ts';
import type { RegionQuestion } from '../../world/tasks/region-qa.ts';
import type { ObjectList } from './object-list.ts';

/** How many samples of each task are tried for an image. */
export type TaskMixture = Readonly<Partial<Record<WorldTask, number>>>;

/** What an image is asked. */
export interface Questions {
  readonly mixture: TaskMixture;
  /** Captions of regions are in this style alone. */
  readonly regionStyle?: RegionCaptionStyle;
  /** Questions about regions are of these kinds alone; a kind that stands twice comes twice as often. */
  readonly regionQuestions?: readonly RegionQuestion[];
}

/** A stretch of training with its own tasks: a small model learns an ability soon where it is asked for nothing else. */
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

export interface TextOptions extends Questions {
  /** Tokens for questions and answers together; samples are drawn at random until it is filled. */
  readonly room: number;
  /** Whether objects are listed in any order; otherwise they ascend. */
  readonly listsInAnyOrder?: boolean;
  /** Other samples of the same scene. */
  readonly epoch: number;
}

export function imageTexts(
  scene: Scene,
  list: ObjectList,
  chat: Chat,
  { mixture, regionStyle, regionQuestions, listsInAnyOrder, room, epoch }: TextOptions,
): ImageTexts {
  const random = sampleRandom(scene, epoch);
  const boxCount = list.boxesXyxy.length / 4;
  const options = { objectIndex: list.indexOf, boxCount, random: listsInAnyOrder ? random : undefined };
  const texts: PackedText[] = [];
  let left = room;
  for (const sample of random.shuffle(makeSamples(scene, random, { perTask: mixture, regionStyle, regionQuestions }))) {
    const { ids, isTarget } = encodeTrainingSample(chat, sample.turns, options);
    if (ids.length > left) continue;
    left -= ids.length;
    texts.push({ ids, isTarget });
  }
  if (texts.length === 0) {
    throw new ChatRexError(
      'limit-exceeded',
      `no question about scene ${scene.key.index} fits ${room} tokens; raise the room`,
    );
  }
  return { prefix: chat.prefix(boxCount), texts };
}
