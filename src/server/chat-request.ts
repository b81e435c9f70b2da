/** The request of OpenAI's `POST /v1/chat/completions` as far as ChatRex can do it, and what it means to the model. */

import { z } from 'zod';
import type { Turn } from '../chatrex/encoded-image.ts';
import type { GroundedText } from '../grounding/grounded-text.ts';
import { ApiError } from './api-error.ts';
import type { AskableOptions } from './engine.ts';
import { rawField } from './grounding-json.ts';
import { maxGivenBoxes, maxMessages, maxStopTexts, maxTextLength } from './settings.ts';

const box = z.tuple([z.number(), z.number(), z.number(), z.number()]);

/** What any route lets a client say about the boxes of its image. */
export const boxFields = {
  boxes: z
    .array(box)
    .max(maxGivenBoxes)
    .optional()
    .meta({ description: 'x1, y1, x2, y2 in pixels of the image; box i is <obji>. Found by the model by default.' }),
  box_scores: z.array(z.number().min(0).max(1)).max(maxGivenBoxes).optional(),
  granularity: z
    .enum(['fine', 'coarse', 'both'])
    .optional()
    .meta({ description: 'Which boxes to find: pieces of things, whole things, or both.' }),
};

/** How an answer is written, on every route. */
export const answerFields = {
  max_tokens: z.int().min(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  seed: z.int().nullish(),
};

const textPart = z.object({ type: z.literal('text'), text: z.string() });
const imagePart = z.object({
  type: z.literal('image_url'),
  image_url: z.object({ url: z.string(), detail: z.string().optional() }),
  ...boxFields,
  bbox_list: boxFields.boxes,
});
const content = z.union([z.string(), z.array(z.discriminatedUnion('type', [textPart, imagePart]))], {
  error: 'expected a text, or a list of parts {type: "text", text} and {type: "image_url", image_url: {url}}',
});
const phrase = z.object({
  start: z.int().min(0),
  end: z.int().min(0),
  objects: z.array(z.int().min(0).max(99)).max(100),
});

const message = z.discriminatedUnion('role', [
  z.object({ role: z.literal(['system', 'developer']), content: z.union([z.string(), z.array(textPart)]) }),
  z.object({ role: z.literal('user'), content }),
  z.object({
    role: z.literal('assistant'),
    content: z.union([z.string(), z.array(textPart)]),
    grounding: z.object({ phrases: z.array(phrase).max(1000) }).nullish(),
  }),
]);

export const chatRequestSchema = z.object({
  model: z.string().optional(),
  messages: z.array(message).min(1).max(maxMessages),
  ...answerFields,
  max_completion_tokens: z.int().min(1).nullish(),
  stop: z.union([z.string().min(1), z.array(z.string().min(1)).max(maxStopTexts)]).nullish(),
  n: z.int().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().optional() }).nullish(),
  response_format: z.object({ type: z.string() }).nullish(),
  raw: rawField,
  // Named to be refused: an answer without them would not be what was asked for.
  tools: z.array(z.unknown()).nullish(),
  functions: z.array(z.unknown()).nullish(),
  logprobs: z.boolean().nullish(),
  logit_bias: z.record(z.string(), z.number()).nullish(),
  frequency_penalty: z.number().nullish(),
  presence_penalty: z.number().nullish(),
});

export type ChatRequest = z.infer<typeof chatRequestSchema>;
type ImagePart = z.infer<typeof imagePart>;
type Message = ChatRequest['messages'][number];

/** The one image of a conversation, not fetched yet. */
export interface RequestedImage extends Pick<ImagePart, 'boxes' | 'box_scores' | 'granularity'> {
  readonly url: string;
  /** Where in the request it is. */
  readonly param: string;
}

export interface Conversation {
  readonly image: RequestedImage;
  readonly turns: readonly Turn[];
}

/** @throws ApiError 400 naming what this server cannot do */
export function requirePossible(request: ChatRequest): void {
  const { n, tools, functions, logprobs, logit_bias, frequency_penalty, presence_penalty, response_format } = request;
  const refusals: [boolean, string, string][] = [
    [(n ?? 1) !== 1, 'n', 'one answer is written per request; ask again with another seed'],
    [(tools?.length ?? 0) > 0, 'tools', 'the model calls no tools'],
    [(functions?.length ?? 0) > 0, 'functions', 'the model calls no functions'],
    [logprobs === true, 'logprobs', 'probabilities of tokens are not told; grounding has a score for each box'],
    [Object.keys(logit_bias ?? {}).length > 0, 'logit_bias', 'tokens cannot be biased'],
    [(frequency_penalty ?? 0) !== 0, 'frequency_penalty', 'there is no penalty of repetition'],
    [(presence_penalty ?? 0) !== 0, 'presence_penalty', 'there is no penalty of repetition'],
    [
      !['text', 'json_object'].includes(response_format?.type ?? 'text'),
      'response_format',
      "expected 'text', or 'json_object' for text and boxes as JSON",
    ],
  ];
  for (const [isAsked, param, reason] of refusals) {
    if (isAsked) throw new ApiError(400, `${param}: ${reason}; leave it out`, { param, code: 'unsupported_parameter' });
  }
}

export function answerOptions(
  request: Pick<ChatRequest, 'max_tokens' | 'temperature' | 'top_p' | 'seed'> &
    Partial<Pick<ChatRequest, 'max_completion_tokens' | 'stop' | 'raw'>>,
): AskableOptions {
  const { max_tokens, max_completion_tokens, temperature, top_p, seed, stop, raw } = request;
  return {
    maxTokens: max_completion_tokens ?? max_tokens ?? undefined,
    temperature: temperature ?? undefined,
    topP: top_p ?? undefined,
    seed: seed ?? undefined,
    stop: typeof stop === 'string' ? [stop] : (stop ?? undefined),
    ...(raw && { showsPrompt: true }),
  };
}

/**
 * The image and the turns of a conversation: questions and answers by turns, one image in all.
 * @throws ApiError 400 for what the model cannot be asked
 */
export function conversationOf(messages: readonly Message[]): Conversation {
  requireTextLength(messages);
  const turns: { question: string; answer?: GroundedText }[] = [];
  const images: RequestedImage[] = [];
  messages.forEach((message, i) => {
    const param = `messages.${i}`;
    if (message.role === 'user') {
      for (const image of imagesOf(message.content, `${param}.content`)) {
        // Clients send the image of a conversation with every turn.
        if (!images.some((known) => isSameImage(known, image))) images.push(image);
      }
      const question = textOf(message.content);
      const last = turns.at(-1);
      // Some clients send the image and the question as two messages.
      if (last && last.answer === undefined) last.question = [last.question, question].filter(Boolean).join('\n');
      else turns.push({ question });
    } else if (message.role === 'assistant') {
      const last = turns.at(-1);
      if (!last || last.answer !== undefined) throw refused(param, 'expected an answer to follow a question');
      last.answer = groundedText(textOf(message.content), message.grounding?.phrases ?? [], `${param}.grounding`);
    } else if (textOf(message.content).trim() !== '') {
      throw refused(param, `the model was trained without ${message.role} messages; put it into the question`);
    }
  });
  const last = turns.at(-1);
  if (!last || last.answer !== undefined) throw refused('messages', 'expected the last message to be a question');
  turns.forEach(({ question }, turn) => {
    if (question.trim() === '') throw refused('messages', `question ${turn} has no text`);
  });
  if (images.length !== 1) {
    const came = images.length === 0 ? 'none' : `${images.length} different ones`;
    throw refused('messages', `expected one image, in a part {type: "image_url"} of a user message, came ${came}`);
  }
  const [image] = images;
  return { image, turns };
}

const refused = (param: string, message: string) =>
  new ApiError(400, `${param}: ${message}`, { param, code: 'invalid_messages' });

function requireTextLength(messages: readonly Message[]): void {
  const length = messages.reduce((sum, { content }) => sum + textOf(content).length, 0);
  if (length <= maxTextLength) return;
  throw refused('messages', `expected at most ${maxTextLength} characters of text, came ${length}`);
}

type Parts = string | readonly ({ type: 'text'; text: string } | ImagePart)[];

const textOf = (content: Parts): string =>
  typeof content === 'string'
    ? content
    : content
        .map((part) => (part.type === 'text' ? part.text : ''))
        .filter(Boolean)
        .join('\n');

/** By everything that makes an image what it is. Long addresses are compared as they are, and never copied. */
const isSameImage = ({ url, param: _, ...boxes }: RequestedImage, other: RequestedImage): boolean => {
  const { url: otherUrl, param: __, ...otherBoxes } = other;
  return url === otherUrl && JSON.stringify(boxes) === JSON.stringify(otherBoxes);
};

function imagesOf(content: Parts, param: string): RequestedImage[] {
  if (typeof content === 'string') return [];
  return content.flatMap((part, i): RequestedImage[] => {
    if (part.type !== 'image_url') return [];
    const { image_url, box_scores, granularity } = part;
    const boxes = part.boxes ?? part.bbox_list;
    return [{ url: image_url.url, param: `${param}.${i}.image_url.url`, boxes, box_scores, granularity }];
  });
}

/** An answer as this server gave it: text with the phrases of its grounding. */
function groundedText(
  text: string,
  phrases: readonly { start: number; end: number; objects: number[] }[],
  param: string,
): GroundedText {
  const spans: GroundedText = [];
  let at = 0;
  for (const { start, end, objects } of phrases) {
    if (start < at || end <= start || end > text.length) {
      throw refused(param, `expected phrases in order and inside the text, came one from ${start} to ${end}`);
    }
    if (start > at) spans.push({ kind: 'text', text: text.slice(at, start) });
    spans.push({ kind: 'phrase', text: text.slice(start, end), objects });
    at = end;
  }
  if (at < text.length) spans.push({ kind: 'text', text: text.slice(at) });
  return spans;
}
