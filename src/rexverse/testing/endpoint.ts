/** An endpoint for tests: answers by rule, counts what it is asked, and misbehaves when it is told to. */

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Stage = 'caption' | 'ground' | 'describe' | 'verify' | 'rewrite';

export interface Asked {
  readonly stage: Stage;
  /** Hash of the request: equal requests are equal calls. */
  readonly key: string;
  /** How often this request came before. */
  readonly before: number;
  readonly text: string;
}

/** What to do instead of answering; undefined answers. */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'raw'; readonly body: string }
  | { readonly kind: 'cut' }
  | { readonly kind: 'hang' };

export interface TestEndpointOptions {
  readonly delayMs?: number;
  readonly fault?: (asked: Asked) => Fault | undefined;
  readonly answer?: (asked: Asked) => string | undefined;
}

export class TestEndpoint {
  readonly url: string;
  /** Requests of each stage. */
  readonly counts: Record<Stage, number> = { caption: 0, ground: 0, describe: 0, verify: 0, rewrite: 0 };
  readonly keys = new Map<string, number>();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  }

  get total(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0);
  }

  /** Requests beyond the first of each. */
  get extra(): number {
    return this.total - this.keys.size;
  }

  static async start(options: TestEndpointOptions = {}): Promise<TestEndpoint> {
    const server = createServer((request, response) => void endpoint.#serve(request, response, options));
    server.keepAliveTimeout = 60_000;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const endpoint = new TestEndpoint(server);
    return endpoint;
  }

  async #serve(request: IncomingMessage, response: ServerResponse, options: TestEndpointOptions): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const key = createHash('sha256').update(body).digest('hex').slice(0, 16);
    const parts = JSON.parse(body.toString('utf8')).messages[0].content as { type: string; text?: string }[];
    const text = parts.find(({ type }) => type === 'text')?.text ?? '';
    const stage = stageOf(text);
    const before = this.keys.get(key) ?? 0;
    this.keys.set(key, before + 1);
    this.counts[stage]++;
    const asked: Asked = { stage, key, before, text };
    const { delayMs = 0 } = options;
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    const fault = options.fault?.(asked);
    const said = options.answer?.(asked) ?? answerTo(asked);
    if (fault) misbehave(fault, response);
    else reply(response, said);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function stageOf(text: string): Stage {
  if (text.startsWith('Please provide')) return 'caption';
  if (text.startsWith('Locate every') || text.startsWith('Detect ')) return 'ground';
  if (text.includes('Does the description describe')) return 'verify';
  return text.includes('write a referring') || text.includes('broke a rule') ? 'rewrite' : 'describe';
}

const subjects = ['dog', 'red ball', 'wooden chair', 'cat', 'small blue cup', 'bicycle'];

function answerTo({ stage, key, text }: Asked): string {
  const number = Number.parseInt(key.slice(0, 8), 16);
  const pick = (at: number) => subjects[(number >>> (3 * at)) % subjects.length];
  if (stage === 'caption') return `A ${pick(0)} and two ${pick(1)}s lie beside a ${pick(2)} in a photo.`;
  if (stage === 'verify') return 'Yes.';
  if (stage === 'rewrite') return `The ${/(?:name|phrase): (.+)/.exec(text)?.[1] ?? 'thing'} near the other things`;
  if (stage === 'describe')
    return `A shiny ${/description is: (.+)$/.exec(text)?.[1] ?? 'thing'} numbered ${key} that lies on the floor.`;
  const phrases = (/image: (.+?)\. Report/.exec(text)?.[1] ?? '').split(', ');
  const boxes = phrases.map((label, at) => {
    const left = (number + 101 * at) % 500;
    return { bbox_2d: [left, 10 + 40 * at, left + 300, 400 + 40 * at], label };
  });
  return `\`\`\`json\n${JSON.stringify(boxes)}\n\`\`\``;
}

function reply(response: ServerResponse, content: string): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  const usage = { prompt_tokens: 100, completion_tokens: 10 };
  response.end(
    JSON.stringify({ choices: [{ message: { role: 'assistant', content }, finish_reason: 'stop' }], usage }),
  );
}

function misbehave(fault: Fault, response: ServerResponse): void {
  if (fault.kind === 'status') {
    const headers = fault.retryAfter === undefined ? {} : { 'retry-after': fault.retryAfter };
    response.writeHead(fault.status, headers);
    response.end('{"error":{"message":"no"}}');
  } else if (fault.kind === 'text') reply(response, fault.text);
  else if (fault.kind === 'raw') {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(fault.body);
  } else if (fault.kind === 'cut') {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write('{"choices":[{"mess');
    setTimeout(() => response.destroy(), 5);
  }
}
