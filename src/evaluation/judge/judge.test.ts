import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { judgeAll, openJudge, parseJudge } from './judge.ts';

let folder: string;
let close: (() => void) | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'judge-'));
});
afterEach(async () => {
  close?.();
  await rm(folder, { recursive: true });
});

/** A server that answers with `answer`, and the requests that it got. */
async function serve(answer: (response: ServerResponse, asked: number, prompt: string) => void) {
  const bodies: { model: string; messages: { content: string }[]; temperature: number }[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    let text = '';
    for await (const part of request) text += part;
    bodies.push(JSON.parse(text));
    answer(response, bodies.length, bodies[bodies.length - 1].messages[0].content);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, bodies };
}

const say = (response: ServerResponse, content: string) =>
  response.end(JSON.stringify({ choices: [{ message: { content } }] }));
const question = (sample: string, prompt = 'how good?') => ({ suite: 'mm-vet', sample, prompt });

describe('a judge', () => {
  it('is asked once for each suite, sample, prompt and model', async () => {
    const { address, bodies } = await serve((response) => say(response, '0.5'));
    const options = { cachePath: join(folder, 'verdicts.jsonl') };
    const first = await openJudge({ address, model: 'one' }, options);
    expect(await first.ask(question('a'))).toBe('0.5');
    expect(await first.ask(question('a'))).toBe('0.5');
    await first.close();
    // A line that an interruption cut off is no verdict, and what follows it is not lost.
    await appendFile(options.cachePath, '{"suite":"mm-vet","samp');
    const again = await openJudge({ address, model: 'one' }, options);
    await again.ask(question('a'));
    expect(bodies).toHaveLength(1);
    await again.ask(question('b'));
    await again.ask(question('a', 'how bad?'));
    await again.ask({ ...question('a'), temperature: 0.5 });
    await again.close();
    const other = await openJudge({ address, model: 'two' }, options);
    await other.ask(question('a'));
    await other.close();
    expect(bodies.map(({ model, temperature }) => [model, temperature])).toEqual([
      ['one', 0],
      ['one', 0],
      ['one', 0],
      ['one', 0.5],
      ['two', 0],
    ]);
    expect((await readFile(options.cachePath, 'utf8')).trim().split('\n')).toHaveLength(5);
  });

  it('is given time when it is busy, and its failures are counted', async () => {
    const { address, bodies } = await serve((response, asked, prompt) => {
      if (prompt === 'bad') {
        response.statusCode = 400;
        response.end('no such model');
      } else if (asked === 1) response.writeHead(429, { 'retry-after': '0' }).end();
      else if (asked === 2) response.writeHead(503, { 'retry-after': '0' }).end();
      else say(response, 'correct');
    });
    const judge = await openJudge({ address, model: 'm' }, { cachePath: join(folder, 'v.jsonl') });
    const ask = (prompt: string) => judge.ask({ suite: 's', sample: prompt, prompt });
    expect(await ask('good')).toBe('correct');
    expect(bodies).toHaveLength(3);
    await expect(judgeAll(['good', 'bad', 'other'], ask)).rejects.toThrow(
      /1 of 3 verdicts are missing \(.*status 400: no such model\); run again/,
    );
    await judge.close();
  });

  it.each<[string, (response: ServerResponse) => unknown, RegExp, timeoutMs?: number]>([
    ['nothing', (response) => response.end(), /is empty/],
    ['no words', (response) => response.end('{}'), /no choices/],
    ['too much', (response) => response.end('x'.repeat(2 ** 20 + 1)), /at most 1048576 bytes/],
    ['broken UTF-8', (response) => response.end(Buffer.from([0xff, 0xfe])), /is not UTF-8/],
    ['silence', () => {}, /no answer within 50 ms/, 50],
  ])('that answers with %s is told of', async (_, answer, reason, timeoutMs) => {
    const { address } = await serve((response) => answer(response));
    const options = { cachePath: join(folder, 'v.jsonl'), attempts: 1, timeoutMs };
    const judge = await openJudge({ address, model: 'm' }, options);
    await expect(judge.ask(question('a'))).rejects.toThrow(reason);
    await judge.close();
  });

  it('has an address and a model', () => {
    expect(parseJudge('http://localhost:1/v1#a/b')).toEqual({ address: 'http://localhost:1/v1', model: 'a/b' });
    expect(() => parseJudge('http://localhost:1/v1')).toThrow(/expected URL#model/);
    expect(() => parseJudge('file:///x#m')).toThrow(/expected URL#model/);
  });
});
