/**
 * ChatRex for agents: a Model Context Protocol server whose tools are the tasks of `tasks.ts` and one that draws.
 * Answers are structured and, when wished for, drawn; failures are results with `isError`.
 */

import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { apiErrorOf } from '../api-error.ts';
import type { Caller, Engine, ImageInput } from '../engine.ts';
import { boxSchema, type ObjectJson, type PhraseJson } from '../grounding-json.ts';
import { imageFrom } from '../http-context.ts';
import { type Task, type TaskName, tasks } from '../tasks.ts';

export interface McpSources {
  readonly engine: Engine;
  readonly version: string;
  /** By whom requests wait for each other. */
  readonly client: string;
  /** The bytes of the image that a tool is given. @throws ApiError 400 */
  readonly readImage: (image: string) => Promise<Uint8Array>;
  /** A defect, for the log. */
  readonly onFailure?: (error: unknown) => void;
}

const descriptions: Record<TaskName, string> = {
  propose: 'Find every object in an image as boxes, best first, without naming them.',
  detect:
    'Find all that each phrase means in an image: categories, descriptions, referring expressions ("the red cup").',
  count: 'Count what a phrase means in an image, with the boxes that were counted.',
  describe: 'Describe an image, each thing that is mentioned tied to its boxes.',
  ask: 'Ask a question about an image; <obj3> in it means box 3. The answer is tied to boxes.',
  caption: 'Describe boxes of an image one by one.',
};

const image = z
  .string()
  .meta({ description: 'The image: an https: address, a data: URL, or a file if files are allowed' });
const show = z.boolean().default(false).meta({ description: 'Whether to return the image with the boxes drawn, too' });

export function createMcpServer(sources: McpSources): McpServer {
  const server = new McpServer({ name: 'chatrex', version: sources.version });
  for (const name of Object.keys(tasks) as TaskName[]) {
    const task: Task = tasks[name];
    server.registerTool(
      name,
      {
        description: descriptions[name],
        inputSchema: task.request.extend({ image, show }).shape,
        outputSchema: task.result.shape,
        annotations: { readOnlyHint: true, openWorldHint: false },
      },
      (input, { signal }) => result(sources, () => runTask(sources, task, input as TaskInput, signal)),
    );
  }
  server.registerTool(
    'draw',
    {
      description: 'Draw boxes with labels over an image.',
      inputSchema: { image, boxes: z.array(z.object({ box: boxSchema, label: z.string().optional() })).max(1000) },
      outputSchema: { boxes: z.int() },
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    (input, { signal }) =>
      result(sources, async () => {
        const bytes = await sources.readImage(input.image);
        const drawing = await draw(sources, bytes, input.boxes, signal);
        return { structuredContent: { boxes: input.boxes.length }, content: [drawing] };
      }),
  );
  return server;
}

type TaskInput = Record<string, unknown> & { image: string; show: boolean } & Parameters<typeof imageFrom>[1];

async function runTask(
  sources: McpSources,
  task: Task,
  input: TaskInput,
  signal: AbortSignal,
): Promise<CallToolResult> {
  const given: ImageInput = imageFrom(await sources.readImage(input.image), input);
  const structuredContent = await task.run(sources.engine, callerOf(sources, signal), given, input);
  const content: CallToolResult['content'] = [{ type: 'text', text: JSON.stringify(structuredContent) }];
  if (input.show) content.push(await draw(sources, given.bytes, drawnBoxes(structuredContent), signal));
  return { structuredContent, content };
}

const callerOf = ({ client }: McpSources, signal: AbortSignal): Caller => ({ client, signal });

interface LabelledBox {
  readonly box: readonly number[];
  readonly label?: string;
}

/** Boxes of whatever result: those that phrases mean with the phrase, others with their caption or without a label. */
function drawnBoxes(result: {
  boxes?: LabelledBox[];
  captions?: (ObjectJson & { text: string })[];
  phrases?: PhraseJson[];
  objects?: ObjectJson[];
}): LabelledBox[] {
  const { boxes = [], captions = [], phrases = [], objects = [] } = result;
  const boxOf = new Map(objects.map(({ index, box }) => [index, box]));
  const named = phrases.flatMap(({ text, objects: indices }) =>
    indices.map((index) => ({ box: boxOf.get(index) ?? [], label: text.trim() })),
  );
  return [...boxes, ...captions.map(({ box, text }) => ({ box, label: text })), ...named];
}

async function draw(sources: McpSources, bytes: Uint8Array, boxes: readonly LabelledBox[], signal: AbortSignal) {
  const png = await sources.engine.draw(callerOf(sources, signal), {
    image: bytes,
    boxesXyxy: boxes.map(({ box }) => box),
    labels: boxes.map(({ label }) => label ?? ''),
  });
  return { type: 'image' as const, data: Buffer.from(png).toString('base64'), mimeType: 'image/png' };
}

/** A failure as a result that the agent reads, and not as one of the protocol. */
async function result(sources: McpSources, work: () => Promise<CallToolResult>): Promise<CallToolResult> {
  try {
    return await work();
  } catch (error) {
    const told = apiErrorOf(error);
    if (told.status === 500) sources.onFailure?.(told.cause);
    return { isError: true, content: [{ type: 'text', text: told.message }] };
  }
}
