/**
 * A scene before the eyes of a model: what a measure asks about it, in words and indices that the model knows.
 *
 * Questions depend on the scene, the task and the wordings alone, so they are the same whichever boxes the model is
 * given.
 */

import type { BoxXyxy } from '../../boxes/box.ts';
import type { Answer, AskOptions } from '../../chatrex/answer.ts';
import type { EncodedImage } from '../../chatrex/encoded-image.ts';
import type { ScoredBoxes } from '../../chatrex/image-boxes.ts';
import type { Dataset } from '../../datasets/dataset.ts';
import type { Conversation } from '../../datasets/sample.ts';
import type { GroundedText } from '../../grounding/grounded-text.ts';
import { renderQuestion } from '../../grounding/render.ts';
import type { Phrasings } from '../../prompt/phrasings.ts';
import { createRandom, type Random } from '../../random.ts';
import type { WorldTask } from '../sample.ts';
import type { Scene } from '../scene.ts';

/** An image as a language model looks at it, with its list of boxes. */
export type Looked = Pick<EncodedImage, 'ask' | 'chat' | 'boxes'>;

export interface SceneView {
  readonly scene: Scene;
  /** Where each object of the scene is in the image's list; null when the list is of proposals. */
  readonly indexOf: ReadonlyMap<number, number> | null;
  readonly phrasings: Phrasings;
  /** How many questions of a task are tried for. */
  readonly questions: number;
  readonly askOptions: AskOptions;
  /** Makes the questions about the scene, which has this index. */
  readonly data: Pick<Dataset, 'conversations'>;
  readonly index: number;
}

/** All objects in random order, as in training: a place in the list must say nothing. */
export function trueBoxList(scene: Scene): { boxes: ScoredBoxes; indexOf: ReadonlyMap<number, number> } {
  const order = taskRandom(scene, 'boxes').shuffle([...scene.objects.keys()]);
  const boxes = { boxesXyxy: truthBoxes(scene, order), scores: order.map(() => 1) };
  return { boxes, indexOf: new Map(order.map((object, index) => [object, index])) };
}

/** The choices that belong to one task's questions about a scene. */
export function taskRandom({ key: { split, seed, index } }: Scene, task: string): Random {
  return createRandom(`rexworld/${split}/${seed}/${index}/evaluation/${task}`);
}

/** Conversations of one task, as RexWorld makes them for training, but with choices of their own. */
export async function conversationsOf(
  { data, index, scene, phrasings, questions }: SceneView,
  task: WorldTask,
): Promise<readonly Conversation[]> {
  return data.conversations(index, {
    counts: { [task]: questions },
    wordings: phrasings,
    random: taskRandom(scene, task),
  });
}

/** Asks what can be asked without naming a box. */
export function ask(image: Looked, question: GroundedText, options: AskOptions): Promise<Answer> {
  return image.ask(renderQuestion(question), options);
}

/** The same text with places in the image's list instead of objects of the scene, ascending as in training. */
export function placed(text: GroundedText, indexOf: ReadonlyMap<number, number>): GroundedText {
  return text.map((span) =>
    span.kind === 'text'
      ? span
      : { ...span, objects: span.objects.map((object) => indexOf.get(object)!).sort((a, b) => a - b) },
  );
}

/** Boxes of objects of the scene. */
export function truthBoxes({ objects }: Scene, indices: readonly number[]): BoxXyxy[] {
  return indices.map((index) => objects[index].boxXyxy);
}

/** Boxes of the image's list. */
export function listedBoxes(boxesXyxy: ArrayLike<number>, indices: readonly number[]): BoxXyxy[] {
  return indices.map((i) => [boxesXyxy[4 * i], boxesXyxy[4 * i + 1], boxesXyxy[4 * i + 2], boxesXyxy[4 * i + 3]]);
}
