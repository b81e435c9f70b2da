/**
 * What ChatRex can be asked to do with an image besides answering questions: find boxes, detect, count, describe,
 * caption. The routes of the server and the tools for agents are made of these.
 */

import { z } from 'zod';
import { statedNumber } from '../chatrex/stated-number.ts';
import type { AnswerEvent } from '../grounding/parse.ts';
import { questionFor, regionQuestion, regionStyles } from '../prompt/templates.ts';
import { ApiError } from './api-error.ts';
import { answerFields, answerOptions, boxFields } from './chat-request.ts';
import type { AskableImage, Caller, Engine, ImageInput, WrittenAnswer } from './engine.ts';
import {
  boxJson,
  boxSchema,
  groundingJson,
  groundingSchema,
  objectSchema,
  rawField,
  rawJson,
  rawSchema,
  rounded,
  sizeSchema,
} from './grounding-json.ts';
import { maxTextLength } from './settings.ts';

const longestPhrase = 1000;
const phrase = z.string().min(1).max(longestPhrase);

/** What a request tells its sender while its answer is written. */
export type OnTaskEvent = (event: AnswerEvent, image: AskableImage) => void;

/** One thing to do with an image. `Request` and `Result` are also what the API's documents say. */
export interface Task<Request extends z.ZodObject = z.ZodObject, Result extends z.ZodObject = z.ZodObject> {
  readonly summary: string;
  readonly request: Request;
  readonly result: Result;
  run(
    engine: Engine,
    caller: Caller,
    image: ImageInput,
    request: z.infer<Request>,
    onEvent?: OnTaskEvent,
  ): Promise<z.infer<Result>>;
}

const task = <Request extends z.ZodObject, Result extends z.ZodObject>(made: Task<Request, Result>) => made;

const answerResult = z.object({ text: z.string(), ...groundingSchema.shape, raw: rawSchema.optional() });
const askFields = { ...boxFields, ...answerFields, raw: rawField };

const propose = task({
  summary: 'Find every object as boxes, best first',
  request: z.object({
    granularity: boxFields.granularity,
    min_score: z.number().min(0).max(1).optional(),
    nms_iou: z.number().min(0).max(1).optional(),
    max_boxes: z.int().min(0).max(900).optional(),
  }),
  result: z.object({
    image: sizeSchema,
    boxes: z.array(
      z.object({
        ...{ index: z.int(), box: boxSchema, score: z.number(), granularity: z.enum(['fine', 'coarse']) },
        label: z.string().optional().meta({ description: 'What it most likely is, where the network names it.' }),
      }),
    ),
    defaults: z
      .object({
        granularity: z.enum(['fine', 'coarse', 'both']),
        ...{ min_score: z.number(), nms_iou: z.number(), max_boxes: z.int() },
        granularities: z.array(z.enum(['fine', 'coarse'])).meta({ description: 'Kinds of boxes that it tells apart.' }),
      })
      .meta({ description: 'Which boxes a question is about that says nothing of boxes.' }),
  }),
  async run(engine, caller, { bytes }, { granularity, min_score, nms_iou, max_boxes }) {
    const options = { granularity, minScore: min_score, nmsIou: nms_iou, maxBoxes: max_boxes };
    const found = await engine.propose(caller, { image: bytes, ...options });
    const { size, boxesXyxy, scores, granularities, categories, defaults } = found;
    const boxes = granularities.map((kind, index) => ({
      ...{ index, box: boxJson(boxesXyxy, index), score: rounded(scores[index], 4) },
      granularity: kind as 'fine' | 'coarse',
      ...(categories && { label: categories[index] }),
    }));
    const { granularity: usual, minScore, nmsIou, maxBoxes, granularities: kinds } = defaults;
    const filter = { min_score: minScore, nms_iou: nmsIou, max_boxes: maxBoxes };
    return { image: size, boxes, defaults: { granularity: usual, ...filter, granularities: [...kinds] } };
  },
});

const ask = task({
  summary: 'Ask anything; <obj3> in the question is box 3',
  request: z.object({ question: z.string().min(1).max(maxTextLength), ...askFields }),
  result: answerResult,
  run: (engine, caller, image, request, onEvent) =>
    answerOne(engine, caller, image, request, request.question, onEvent),
});

const detect = task({
  summary: 'Find all that each phrase means: categories, descriptions, referring expressions',
  request: z.object({ phrases: z.array(phrase).min(1).max(100), ...askFields }),
  result: z.object({
    ...answerResult.shape,
    detections: z.array(z.object({ label: z.string(), index: z.int(), box: boxSchema, score: z.number() })),
  }),
  run: (engine, caller, image, request, onEvent) =>
    engine.withImage(caller, image, async (askable) => {
      const question = questionFor('detect', request.phrases);
      const answer = await askable.ask(
        [{ question }],
        answerOptions(request),
        onEvent && ((event) => onEvent(event, askable)),
      );
      const detections = answer.objects.map((index, row) => ({
        ...{ label: answer.labels[row], index, box: boxJson(answer.boxesXyxy, row) },
        score: rounded(answer.scores[row], 4),
      }));
      return { ...answerJson(answer, askable, request.raw), detections };
    }),
});

const count = task({
  summary: 'Count what a phrase means, and show it',
  request: z.object({ phrase, ...askFields }),
  result: z.object({ count: z.int(), ...answerResult.shape }),
  async run(engine, caller, image, request, onEvent) {
    const question = questionFor('count', [request.phrase]);
    const result = await answerOne(engine, caller, image, request, question, onEvent);
    return { count: statedNumber(result.text) ?? result.objects.length, ...result };
  },
});

const describe = task({
  summary: 'Describe the whole image and tie what is mentioned to boxes',
  request: z.object({ detail: z.enum(['brief', 'detailed']).default('brief'), ...askFields }),
  result: answerResult,
  run: (engine, caller, image, request, onEvent) =>
    answerOne(engine, caller, image, request, questionFor(`caption-${request.detail}`), onEvent),
});

const caption = task({
  summary: 'Describe boxes one by one',
  request: z.object({
    style: z.enum(regionStyles).default('phrase'),
    objects: z
      .array(z.int().min(0).max(99))
      .max(100)
      .optional()
      .meta({ description: 'Indices of the boxes to describe; all by default.' }),
    ...askFields,
  }),
  result: z.object({
    image: sizeSchema,
    captions: z.array(objectSchema.extend({ text: z.string(), raw: rawSchema.optional() })),
  }),
  run: (engine, caller, image, request) =>
    engine.withImage(caller, image, async ({ facts, ask: askImage }) => {
      const captions = [];
      const options = answerOptions(request);
      for (const index of request.objects ?? facts.scores.keys()) {
        if (index >= facts.scores.length) {
          const message = `objects: expected indices below ${facts.scores.length}, the number of boxes, came ${index}`;
          throw new ApiError(400, message, { param: 'objects' });
        }
        const answer = await askImage([{ question: regionQuestion(request.style, [index]) }], options);
        const box = boxJson(facts.boxesXyxy, index);
        const score = rounded(facts.scores[index], 4);
        const raw = request.raw ? { raw: rawJson(answer) } : {};
        captions.push({ index, box, score, text: answer.text.trim(), ...raw });
      }
      return { image: { ...facts.size }, captions };
    }),
});

export const tasks = { propose, ask, detect, count, describe, caption };
export type TaskName = keyof typeof tasks;

function answerOne(
  engine: Engine,
  caller: Caller,
  image: ImageInput,
  request: Parameters<typeof answerOptions>[0] & { raw?: boolean },
  question: string,
  onEvent?: OnTaskEvent,
): Promise<z.infer<typeof answerResult>> {
  return engine.withImage(caller, image, async (askable) => {
    const answer = await askable.ask(
      [{ question }],
      answerOptions(request),
      onEvent && ((event) => onEvent(event, askable)),
    );
    return answerJson(answer, askable, request.raw);
  });
}

const answerJson = (answer: WrittenAnswer, { facts }: AskableImage, isRaw = false) => ({
  text: answer.text,
  ...groundingJson(answer, facts),
  ...(isRaw && { raw: rawJson(answer) }),
});
