/**
 * OpenAI's `POST /v1/chat/completions`. The message's content is the answer without markers; `message.grounding` ties
 * its phrases to boxes. While streaming, `delta.grounding` brings each phrase as its boxes become known, and the last
 * piece the whole with scores.
 */

import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import type { AnswerEvent } from '../../grounding/parse.ts';
import { ApiError, requireModel } from '../api-error.ts';
import {
  answerOptions,
  type ChatRequest,
  chatRequestSchema,
  conversationOf,
  requirePossible,
} from '../chat-request.ts';
import type { WrittenAnswer } from '../engine.ts';
import { createGroundingStream, groundingJson, rawJson } from '../grounding-json.ts';
import { callerOf, readImage, readJson, type ServerContext, type ServerEnv, type Services } from '../http-context.ts';
import type { EncodedFacts } from '../model-protocol.ts';
import { type EventSink, type Shown, streamed } from '../sse.ts';

interface Written {
  readonly answer: WrittenAnswer;
  readonly facts: EncodedFacts;
  readonly isCached: boolean;
}

export function chatCompletions(services: Services): Hono<ServerEnv> {
  const app = new Hono<ServerEnv>();
  app.post('/chat/completions', async (c) => {
    const { settings } = services;
    const request = await readJson(c, chatRequestSchema, settings.maxBodyBytes);
    requireModel(request.model, settings.modelName);
    requirePossible(request);
    const head = { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: settings.modelName };
    if (request.stream) return streamAnswer(services, c, request, head);
    const written = await writeAnswer(services, c, request);
    return c.json({
      ...head,
      object: 'chat.completion',
      choices: [{ index: 0, message: message(request, written), logprobs: null, finish_reason: finishReason(written) }],
      usage: usage(written),
    });
  });
  return app;
}

type Head = { id: string; created: number; model: string };

async function writeAnswer(
  services: Services,
  c: ServerContext,
  request: ChatRequest,
  onEvent?: (event: AnswerEvent, facts: EncodedFacts) => void,
): Promise<Written> {
  const { image: requested, turns } = conversationOf(request.messages);
  const image = await readImage(services, requested);
  return services.engine.withImage(callerOf(c), image, async ({ facts, isCached, ask }) => {
    requireKnownBoxes(turns, facts);
    const answer = await ask(turns, answerOptions(request), onEvent && ((event) => onEvent(event, facts)));
    return { answer, facts, isCached };
  });
}

/** Boxes of earlier answers must be boxes of this image. */
function requireKnownBoxes(turns: ReturnType<typeof conversationOf>['turns'], { scores }: EncodedFacts): void {
  for (const { answer } of turns) {
    const spans = Array.isArray(answer) ? answer : [];
    const wrong = spans.flatMap((span) => (span.kind === 'phrase' ? span.objects : [])).find((i) => i >= scores.length);
    if (wrong === undefined) continue;
    const param = 'messages';
    throw new ApiError(400, `${param}: an earlier answer names box ${wrong}, the image has ${scores.length}`, {
      param,
    });
  }
}

function streamAnswer(services: Services, c: ServerContext, request: ChatRequest, head: Head): Promise<Response> {
  return streamed<{ event: AnswerEvent; facts: EncodedFacts }, Written>(
    c,
    (push) => writeAnswer(services, c, request, (event, facts) => push({ event, facts })),
    chunks(request, head),
  );
}

function chunks(request: ChatRequest, head: Head): Shown<{ event: AnswerEvent; facts: EncodedFacts }, Written> {
  const isJson = request.response_format?.type === 'json_object';
  const hasUsage = request.stream_options?.include_usage === true;
  const send = (sink: EventSink, delta: object, finish_reason: string | null = null) =>
    sink.send({
      ...head,
      object: 'chat.completion.chunk',
      choices: [{ index: 0, delta, logprobs: null, finish_reason }],
      ...(hasUsage && { usage: null }),
    });
  let pieceOf: ReturnType<typeof createGroundingStream> | undefined;
  return {
    start: (sink) => send(sink, { role: 'assistant', content: '' }),
    item(sink, { event, facts }) {
      pieceOf ??= createGroundingStream(facts);
      const piece = pieceOf(event);
      if (piece && !isJson) send(sink, piece);
    },
    end(sink, written) {
      const { role: _role, refusal: _refusal, content, ...rest } = message(request, written);
      if (isJson) send(sink, { content });
      send(sink, rest, finishReason(written));
      if (hasUsage) {
        sink.send({ ...head, object: 'chat.completion.chunk', choices: [], usage: usage(written) });
      }
      sink.send('[DONE]');
    },
  };
}

/** `json_object` puts text and grounding into the content, for clients that drop fields they do not know. */
function message(request: ChatRequest, { answer, facts }: Written) {
  const grounding = groundingJson(answer, facts);
  const isJson = request.response_format?.type === 'json_object';
  const content = isJson ? JSON.stringify({ text: answer.text, ...grounding }) : answer.text;
  const raw = request.raw ? { raw: rawJson(answer) } : {};
  return { role: 'assistant' as const, content, refusal: null, grounding, ...raw };
}

const finishReason = ({ answer }: Written): 'stop' | 'length' => (answer.ending === 'length' ? 'length' : 'stop');

function usage({ answer, facts, isCached }: Written) {
  const { promptTokens, ids } = answer;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: ids.length,
    total_tokens: promptTokens + ids.length,
    prompt_tokens_details: { cached_tokens: isCached ? facts.tokens : 0 },
  };
}
