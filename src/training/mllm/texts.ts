/** What is asked and answered about a training picture: samples of all ten tasks, as many as there is room for. */

import type { PackedText, PictureTexts } from '../../chatrex/pack-texts.ts';
import { ChatRexError } from '../../errors.ts';
import type { Chat } from '../../prompt/conversation.ts';
import { encodeTrainingSample } from '../../prompt/training-sample.ts';
import { renderQuestion } from '../../world/coco-files.ts';
import type { WorldTask } from '../../world/sample.ts';
import { makeSamples, sampleRandom } from '../../world/samples.ts';
import type { Scene } from '../../world/scene.ts';
import type { ObjectList } from './object-list.ts';

/** How many samples of each task are tried for a picture. */
export type TaskMixture = Readonly<Partial<Record<WorldTask, number>>>;

/**
 * @param epoch other samples of the same scene
 * @param room tokens for questions and answers together; samples are drawn at random until it is filled
 */
export function pictureTexts(
  scene: Scene,
  list: ObjectList,
  chat: Chat,
  { mixture, room, epoch }: { mixture: TaskMixture; room: number; epoch: number },
): PictureTexts {
  const random = sampleRandom(scene, epoch);
  const boxCount = list.boxesXyxy.length / 4;
  const options = { objectIndex: list.indexOf, boxCount };
  const texts: PackedText[] = [];
  let left = room;
  for (const sample of random.shuffle(makeSamples(scene, random, { perTask: mixture }))) {
    const turns = sample.turns.map(({ question, answer }) => ({ question: renderQuestion(question), answer }));
    const { ids, isTarget } = encodeTrainingSample(chat, turns, options);
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
