/** From a position of the order to what the model learns there: image, list of boxes, conversations. */

import { highPixels, proposalsOf } from '../../chatrex/config.ts';
import type { Dataset } from '../../datasets/dataset.ts';
import type { Derived } from '../../datasets/derived.ts';
import type { Draw } from '../../datasets/order.ts';
import { ChatRexError } from '../../errors.ts';
import { maxObjects } from '../../grounding/dialect.ts';
import type { ImageSize } from '../../image/rgb-image.ts';
import type { Chat } from '../../prompt/conversation.ts';
import { createRandom, type Random } from '../../random.ts';
import { datasetOf, type OpenedMixture } from '../mixture.ts';
import type { Lesson } from './answering.ts';
import type { MllmTraining } from './config.ts';
import { objectList, randomProposals } from './object-list.ts';
import { askedInOneWord, chooseConversations, imageTexts, type Questions } from './texts.ts';

export interface DrawnLesson extends Lesson {
  readonly draw: Draw;
  readonly hasImage: boolean;
}

/**
 * Samples that are tried in place of one that cannot be used: an image that cannot be read, nothing to ask, no room.
 */
const attempts = 20;
/** Far beyond the positions that steps have, so that what takes a sample's place takes no other step's. */
const reserve = 2 ** 40;

/**
 * @param found proposals of every data set, or none
 * @param hasPixels whether steps read images; otherwise features were derived
 * @returns a function of the position and the questions alone
 */
export function createLessonReader(
  name: string,
  config: MllmTraining,
  mixture: OpenedMixture,
  found: readonly Derived<Float32Array>[],
  chat: Chat,
  hasPixels: boolean,
): (position: number, questions: Questions) => Promise<DrawnLesson> {
  return async (position, questions) => {
    let reason: unknown;
    for (let attempt = 0; attempt < attempts; attempt++) {
      const draw = mixture.order(position + attempt * reserve);
      const random = createRandom(`${name}/${config.seed}/${position}/${attempt}`);
      try {
        const lesson = await readLesson(config, mixture, found, chat, hasPixels, draw, questions, random);
        if (lesson.texts.texts.length > 0) return lesson;
        reason = `no conversation fits ${config.room} tokens; raise the room or ask for other tasks`;
      } catch (error) {
        if (!(error instanceof ChatRexError) || error.code === 'runtime') throw error;
        reason = error.message;
      }
    }
    throw new ChatRexError('invalid-argument', `${attempts} samples in a row cannot be used; the last: ${reason}`);
  };
}

async function readLesson(
  config: MllmTraining,
  mixture: OpenedMixture,
  found: readonly Derived<Float32Array>[],
  chat: Chat,
  hasPixels: boolean,
  draw: Draw,
  { mixture: counts, regionStyle, regionQuestions }: Questions,
  random: Random,
): Promise<DrawnLesson> {
  const { index, part } = draw;
  const dataset = datasetOf(mixture, draw);
  const { regions, image: hasImage } = await dataset.sample(index);
  const own = mixture.parts[part].conversations;
  const wish = { counts: own ?? counts, kinds: regionQuestions, regionStyle, wordings: 'seen' as const, random };
  const { chosen, regions: named } = chooseConversations(await dataset.conversations(index, wish), random);
  const size: ImageSize = hasImage ? await dataset.imageSize(index) : { width: 1, height: 1 };
  const isFound = found.length > 0 && random.chance(config.foundShare);
  const proposals =
    (await found[part]?.at(index))?.subarray(0, 4 * random.int(0, maxObjects)) ??
    randomProposals(regions, size, hasImage ? random.int(0, config.proposals) : 0, random);
  const mostOverlap = proposalsOf(config.model).nmsIou;
  const list = objectList(regions, proposals, { jitter: config.boxJitter, isFound, mostOverlap, named, random });
  const asked = askedInOneWord(chosen, config.oneWordShare ?? 0, random);
  const texts = imageTexts(asked, list, chat, {
    room: config.room,
    listOrder: config.model.extensions?.setLists ? random : undefined,
    hasImage: hasImage !== undefined,
  });
  const image = hasImage && hasPixels ? await dataset.image(index, enoughPixels(size, highPixels(config.model))) : null;
  return { draw, hasImage: hasImage !== undefined, image, size, regions, list, texts };
}

/** Pixels that the square the model sees is made of. */
export function enoughPixels({ width, height }: ImageSize, side: number): ImageSize {
  const scale = side / Math.max(width, height);
  return { width: Math.ceil(width * scale), height: Math.ceil(height * scale) };
}

/** The regions of a sample among random boxes, each by its true box, and what is asked in held-out wordings. */
export async function readHeldOut(
  dataset: Dataset,
  index: number,
  config: MllmTraining,
  chat: Chat,
): Promise<Lesson | null> {
  const { regions, image: hasImage } = await dataset.sample(index);
  const random = createRandom(`validate/${index}`);
  const wish = { counts: config.mixture, wordings: 'unseen' as const, random };
  const { chosen, regions: named } = chooseConversations(await dataset.conversations(index, wish), random);
  const size: ImageSize = hasImage ? await dataset.imageSize(index) : { width: 1, height: 1 };
  const others = randomProposals(regions, size, hasImage ? config.proposals : 0, random);
  const mostOverlap = proposalsOf(config.model).nmsIou;
  const list = objectList(regions, others, { jitter: 0, isFound: false, mostOverlap, named, random });
  const listOrder = config.model.extensions?.setLists ? random : undefined;
  const texts = imageTexts(chosen, list, chat, { room: config.room, listOrder, hasImage: hasImage !== undefined });
  if (texts.texts.length === 0) return null;
  const image = hasImage ? await dataset.image(index, enoughPixels(size, highPixels(config.model))) : null;
  return { image, size, regions, list, texts };
}
