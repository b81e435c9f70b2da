/** Earlier questions and answers about an image, as the server takes them with a further one. */

import { type Answer, type Phrase, type StudioImage, visibleBoxes } from './model.ts';

/** A turn whose boxes are told by the numbers that they have now. */
export interface SentTurn {
  readonly question: string;
  readonly text: string;
  readonly phrases: readonly { start: number; end: number; objects: readonly number[] }[];
}

/** Answers that a further question can follow: those that were written to their end, the first one first. */
const answered = ({ answers }: StudioImage): readonly Answer[] =>
  answers.filter(({ status, task }) => status === 'done' && task !== 'caption').reverse();

/**
 * Boxes have other numbers when some were drawn or deleted since. A question that names a box which is gone cannot be
 * asked any more; it is left out with its answer, and counted.
 */
export function earlierTurns(image: StudioImage): { turns: SentTurn[]; leftOut: number } {
  const now = new Map(visibleBoxes(image).map(({ id }, index) => [id, index]));
  const turns = answered(image).flatMap((answer): SentTurn[] => {
    let isWhole = true;
    const question = answer.question.replace(/<obj(\d+)>/g, (name, digits) => {
      const id = answer.boxes[Number(digits)];
      const index = id === undefined ? undefined : now.get(id);
      isWhole &&= index !== undefined || id === undefined;
      return index === undefined ? name : `<obj${index}>`;
    });
    if (!isWhole) return [];
    return [{ question, text: answer.text, phrases: answer.phrases.flatMap((phrase) => sentPhrase(phrase, now)) }];
  });
  return { turns, leftOut: answered(image).length - turns.length };
}

/** A phrase all of whose boxes are gone is text like any other. */
function sentPhrase({ start, end, boxes }: Phrase, now: ReadonlyMap<string, number>): SentTurn['phrases'][number][] {
  const objects = boxes.flatMap((id) => now.get(id) ?? []);
  return objects.length === 0 && boxes.length > 0 ? [] : [{ start, end, objects }];
}

/** Messages of a conversation in OpenAI's form; `image` is the part that goes with the first question. */
export function messagesOf<Image>(image: Image, turns: readonly SentTurn[], question: string): object[] {
  const text = (value: string) => ({ type: 'text', text: value });
  const questions = [...turns.map((turn) => turn.question), question];
  return questions.flatMap((asked, i) => {
    const user = { role: 'user', content: i === 0 ? [image, text(asked)] : asked };
    const turn = turns[i];
    if (!turn) return [user];
    return [user, { role: 'assistant', content: turn.text, grounding: { phrases: turn.phrases } }];
  });
}
