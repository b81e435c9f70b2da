/** The answer to one question about one of many images, as text, a line of JSON and a drawing. */

import type { Answer, AskOptions } from '../chatrex/answer.ts';
import { askedPhrases } from '../chatrex/asked-phrases.ts';
import type { DetectAnswer, EncodedImage } from '../chatrex/encoded-image.ts';
import { ChatRex, type EncodeOptions } from '../chatrex.ts';
import { groundedAnswerAnsi } from '../drawing/grounded-ansi.ts';
import { questionFor, spelledRight } from '../prompt/templates.ts';
import type { SessionOptions } from '../runtime/session.ts';
import { answerJson, boxLines, drawAnswer, imageJson } from './answer-output.ts';
import type { Looker } from './looker.ts';
import { oneLine } from './one-line.ts';

/** A question as plain data. */
export type AskedQuestion =
  | { readonly kind: 'ask'; readonly question: string }
  | { readonly kind: 'detect'; readonly phrases: readonly string[] }
  | { readonly kind: 'count'; readonly phrase: string }
  | { readonly kind: 'describe'; readonly detail: 'brief' | 'detailed' };

/** An answer, with what its kind of question adds to it. */
export interface ToldAnswer {
  readonly answer: Answer & { readonly phrases?: DetectAnswer['phrases'] };
  /** Printed under the answer, before its boxes. */
  readonly details: string;
  /** What its JSON has besides that of every answer. */
  readonly fields: Record<string, unknown>;
}

export interface Question {
  /** As it is put to the model, and shown above a drawing. */
  readonly title: string;
  readonly ask: (encoded: EncodedImage, options: AskOptions) => Promise<ToldAnswer>;
}

/** @throws ChatRexError 'invalid-argument' for phrases of which none says anything */
export function questionOf(asked: AskedQuestion): Question {
  const plain = async (answer: Promise<Answer>) => ({ answer: await answer, details: '', fields: {} });
  switch (asked.kind) {
    case 'ask':
      return { title: asked.question, ask: (encoded, options) => plain(encoded.ask(asked.question, options)) };
    case 'describe': {
      const { detail } = asked;
      const title = spelledRight(questionFor(`caption-${detail}`));
      return { title, ask: (encoded, options) => plain(encoded.describe({ detail, ...options })) };
    }
    case 'detect':
      return {
        title: questionFor('detect', askedPhrases(asked.phrases)),
        ask: async (encoded, options) => {
          const answer = await encoded.detect(asked.phrases, options);
          const phrases = answer.phrases.map((phrase) => phrase ?? null);
          return { answer, details: '', fields: { asked: answer.asked, phrases } };
        },
      };
    case 'count':
      return {
        title: questionFor('count', [asked.phrase]),
        ask: async (encoded, options) => {
          const answer = await encoded.count(asked.phrase, options);
          return { answer, details: `  ${answer.count}\n`, fields: { count: answer.count } };
        },
      };
  }
}

export interface AnswerRequest {
  readonly kind: 'answer';
  readonly model: string;
  readonly upn?: string;
  readonly asked: AskedQuestion;
  readonly filter: Pick<EncodeOptions, 'granularity' | 'minScore' | 'nmsIou' | 'maxBoxes'>;
  readonly asking: Pick<AskOptions, 'maxTokens' | 'temperature' | 'topP' | 'seed'>;
  readonly json?: boolean;
  readonly colour?: boolean;
}

/** @throws ChatRexError for a model that cannot be opened */
export async function openAnswerer(request: AnswerRequest, session?: SessionOptions): Promise<Looker> {
  const { upn, asked, filter, asking, json, colour = false } = request;
  const { title, ask } = questionOf(asked);
  const model = await ChatRex.load(request.model, { upn, session });
  return {
    async look({ path, target }, image, signal) {
      const encoded = await model.encode(image, { ...filter, signal });
      const { answer, details, fields } = await ask(encoded, { ...asking, signal });
      const notes = [...notesOfBoxes(encoded), ...noteOfEnding(answer)].map((note) => `${oneLine(path)}: ${note}`);
      const { width, height } = encoded.size;
      const text = json
        ? `${JSON.stringify({ ...imageJson(path, encoded), question: title, ...fields, ...answerJson(answer) })}\n`
        : `${oneLine(path)}  ${width}x${height}\n${groundedAnswerAnsi(answer.spans, { colour })}\n` +
          `${details}${boxLines(answer)}`;
      if (target === undefined) return { text, notes };
      return { text, notes, drawing: await drawAnswer(target, { image, encoded, question: title }, answer.spans) };
    },
    dispose: () => model.dispose(),
  };
}

/** What a person should know of the boxes that are spoken about. */
export function notesOfBoxes({ size, boxes: { clipped, leftOut, scores } }: EncodedImage): string[] {
  const { length: kept } = scores;
  const notes = leftOut > 0 ? [`kept the best ${kept} of ${kept + leftOut} boxes`] : [];
  if (clipped.length === 0) return notes;
  const boxes = `${clipped.length === 1 ? 'box' : 'boxes'} ${clipped.join(', ')}`;
  return [...notes, `${boxes} cut to the image of ${size.width} x ${size.height} pixels`];
}

/** A person should know when an answer is not the model's whole answer. */
export function noteOfEnding({ ending }: Answer): string[] {
  if (ending === 'length') return ['the answer was cut; --max-tokens allows a longer one'];
  if (ending === 'loop') return ['the model began to repeat itself, and the answer was cut'];
  return [];
}
