/**
 * The training side of a conversation: ids, and which of them the model is to learn to write.
 *
 * Paper section 3.3: next-token loss on answers only, their end token included.
 */

import { ChatRexError } from '../errors.ts';
import type { GroundedText, Turn } from '../grounding/grounded-text.ts';
import type { Random } from '../random.ts';
import type { Chat, PromptSegment } from './conversation.ts';

export interface TrainingSequence {
  prefix: PromptSegment[];
  /** All that follows the prefix: questions and answers of every turn. */
  ids: number[];
  /** Same length as `ids`: true where the token itself is to be predicted. */
  isTarget: boolean[];
}

/**
 * @param options.objectIndex where each region of the sample stands in the (shuffled) object list.
 * @param options.boxCount length of that list, boxes that are no object of the scene included.
 * @param options.random puts the objects of each phrase in any order; without it they ascend, as the released models
 *   answer.
 * @throws ChatRexError 'invalid-argument' when a turn names an object that is not in the list.
 */
export function encodeTrainingSample(
  chat: Chat,
  turns: readonly Turn[],
  options: { objectIndex: ReadonlyMap<number, number>; boxCount: number; random?: Random },
): TrainingSequence {
  const { objectIndex, boxCount, random } = options;
  const indexOf = (object: number) => {
    const index = objectIndex.get(object);
    if (index !== undefined) return index;
    throw new ChatRexError(
      'invalid-argument',
      `training sample: object ${object} of the scene is not in the object list; add its box or leave the turn out`,
    );
  };
  const placed = (text: GroundedText, order: (objects: number[]) => number[]): GroundedText =>
    text.map((span) => (span.kind === 'text' ? span : { ...span, objects: order(span.objects.map(indexOf)) }));
  const ids: number[] = [];
  const isTarget: boolean[] = [];
  const push = (added: number[], isAnswer: boolean) => {
    ids.push(...added);
    for (let i = 0; i < added.length; i++) isTarget.push(isAnswer);
  };
  turns.forEach(({ question, answer }, turn) => {
    const asked = placed(question, (objects) => objects);
    push(turn === 0 ? chat.question(asked, boxCount) : chat.nextQuestion(asked, boxCount), false);
    push(chat.answer(placed(answer, (objects) => ordered(objects, random))), true);
  });
  return { prefix: chat.prefix(boxCount), ids, isTarget };
}

function ordered(objects: readonly number[], random: Random | undefined): number[] {
  return random?.shuffle(objects) ?? [...objects].sort((a, b) => a - b);
}
