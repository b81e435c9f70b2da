import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { cocoSuite } from '../data-suites/coco.ts';
import { countingSuite } from '../data-suites/counting.ts';
import { referringSuite } from '../data-suites/referring.ts';
import { regionsSuite } from '../data-suites/regions.ts';
import { evaluate } from '../evaluate.ts';
import type { Suite } from '../suite.ts';
import { memoryDataset, regionOf, sampleOf } from '../testing/memory-dataset.ts';
import { type EndpointOptions, EndpointSubject } from './endpoint-subject.ts';

interface Asked {
  readonly model: string;
  readonly text: string;
  readonly url: string;
  readonly boxes?: number[][];
}

type Handler = (asked: Asked, response: ServerResponse, attempt: number) => void;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A server that keeps what it was asked, and answers as the handler does. */
async function serve(handler: Handler) {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const question = questionOf(await bodyOf(request));
    const attempt = asked.filter(({ text }) => text === question.text).length + 1;
    asked.push(question);
    handler(question, response, attempt);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { asked, address: `http://127.0.0.1:${port}/v1` };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

function questionOf(body: string): Asked {
  const { model, messages } = JSON.parse(body);
  const [image, text] = messages[0].content;
  return { model, text: text.text, url: image.image_url.url, boxes: image.boxes };
}

const say = (response: ServerResponse, content: string, message: object = {}): void => {
  response.end(JSON.stringify({ choices: [{ message: { content, ...message }, finish_reason: 'stop' }] }));
};

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'chatrex-endpoint-'));
  closing.push(() => rm(path, { recursive: true }));
  return join(path, 'run');
}

const samples = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((id) => sampleOf(id, [regionOf(`name ${id}`, 0)]));
const data = memoryDataset(samples);

function run<Truth, Answer>(
  suite: Suite<EndpointSubject, Truth, Answer>,
  address: string,
  options: EndpointOptions,
  out?: string,
) {
  const subject = new EndpointSubject({ address, model: 'm' }, { attempts: 2, ...options });
  return evaluate({ suite, data, model: {}, open: async () => subject, folder: out, concurrency: 3 });
}

it('a server that never answers is asked again, and given up', async () => {
  const { address } = await serve(() => {});
  const { evaluation } = await run(countingSuite(), address, { style: 'qwen2-vl', timeoutMs: 50 });
  expect(evaluation.counts).toMatchObject({ questions: 8, answered: 0, failed: 8 });
  expect(evaluation.notes[0]).toMatch(/^8 questions without an answer .*no answer within 50 ms after 2 attempts/);
});

it('a server of every bad habit: the run ends and says what failed and why, a second run asks only that', async () => {
  let isWell = false;
  const { asked, address } = await serve(({ text }, response, attempt) => {
    const name = /name (\w)/.exec(text)![1];
    if (isWell) return say(response, `There is one name ${name}.`);
    if (name === 'a') return response.destroy();
    if (name === 'b' && attempt === 1) return response.writeHead(429, { 'retry-after': '0' }).end();
    if (name === 'c') return response.writeHead(500).end('out of memory');
    if (name === 'd') return response.end('');
    if (name === 'e') return response.end('x'.repeat(10 * 2 ** 20));
    if (name === 'f') return response.end(Buffer.from([0x7b, 0xff, 0xfe, 0x7d]));
    if (name === 'g') return response.writeHead(400).end('no images here');
    return say(response, 'one');
  });
  const out = await folder();
  const { evaluation } = await run(countingSuite(), address, { style: 'qwen2-vl' }, out);
  expect(evaluation.counts).toMatchObject({ questions: 8, answered: 2, failed: 6 });
  expect(evaluation.figures.exact).toBe(2 / 8);
  const attempts = (name: string) => asked.filter(({ text }) => text.includes(`name ${name}`)).length;
  expect(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(attempts)).toEqual([2, 2, 2, 2, 1, 2, 1, 1]);
  const { readRows } = await import('../rows-file.ts');
  const reasons = (await readRows(out)).map((row) => ('fault' in row ? row.fault.message.replace(address, '') : ''));
  expect(reasons).toEqual([
    expect.stringMatching(/^: .* after 2 attempts$/),
    '',
    ': status 500 after 2 attempts',
    ': the reply is empty after 2 attempts',
    ': expected a reply of at most 4194304 bytes',
    ': the reply is not UTF-8 after 2 attempts',
    ': status 400: no images here',
    '',
  ]);
  expect(evaluation.notes[0]).toMatch(/^6 questions without an answer counted as wrong: .* after 2 attempts/);

  isWell = true;
  const before = asked.length;
  const again = await run(countingSuite(), address, { style: 'qwen2-vl' }, out);
  expect(again.evaluation.counts).toMatchObject({ answered: 8, failed: 0 });
  expect(again.evaluation.figures.exact).toBe(1);
  expect(
    asked
      .slice(before)
      .map(({ text }) => /name (\w)/.exec(text)![1])
      .sort(),
  ).toEqual(['a', 'c', 'd', 'e', 'f', 'g']);
});

it('a server that asks for an hour of patience is not waited for, and says so', async () => {
  const { asked, address } = await serve((_, response) => response.writeHead(429, { 'retry-after': '3600' }).end());
  const { evaluation } = await run(countingSuite(), address, { style: 'qwen2-vl', attempts: 5 });
  expect(evaluation.counts).toMatchObject({ questions: 8, answered: 0, failed: 8 });
  expect(evaluation.notes[0]).toMatch(
    /status 429; the next would be in 3600 s, and at most 120 s are waited: ask later/,
  );
  expect(asked).toHaveLength(8);
});

/** A bad habit for each of five samples. */
const bad: Readonly<Record<string, Handler>> = {
  a: (_, response) => response.writeHead(500).end(),
  b: (_, response) => response.end(Buffer.from([0xff, 0xfe])),
  c: (_, response) => response.end('x'.repeat(10 * 2 ** 20)),
  d: (_, response) => response.end(),
  e: (_, response) => setTimeout(() => response.destroy(), 300),
};

it.each([
  ['coco', cocoSuite(), /name (\w)/],
  ['referring', referringSuite(), /phrase (\w)/],
] as const)('%s: bad habits fail alone, and are all that a second run asks', async (_, suite, pattern) => {
  let isWell = false;
  const { asked, address } = await serve((question, response, attempt) => {
    const name = pattern.exec(question.text)![1];
    if (!isWell && bad[name]) return bad[name](question, response, attempt);
    say(response, `[{"class": "${pattern.exec(question.text)![0]}", "rect": [0, 0, 200, 250]}]`);
  });
  const phrased = memoryDataset(
    samples.map((sample) => ({
      ...sample,
      phrases: [{ kind: 'referring' as const, text: `phrase ${sample.id}`, regions: [0] }],
    })),
  );
  const out = await folder();
  const ask = () => {
    const subject = new EndpointSubject({ address, model: 'm' }, { attempts: 1, style: 'qwen2-vl', timeoutMs: 200 });
    return evaluate({
      ...{ suite: suite as Suite<EndpointSubject, unknown, unknown>, data: phrased, model: {}, concurrency: 3 },
      open: async () => subject,
      folder: out,
    });
  };
  const first = await ask();
  expect(first.evaluation.counts).toMatchObject({ questions: 8, answered: 3, failed: 5 });
  expect(first.evaluation.notes[0]).toMatch(/^5 questions without an answer counted as wrong: /);
  isWell = true;
  const before = asked.length;
  const second = await ask();
  expect(second.evaluation.counts).toMatchObject({ questions: 8, answered: 8, failed: 0 });
  const again = asked.slice(before).map(({ text }) => pattern.exec(text)![1]);
  expect(again.sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
});

it('boxes of an answer in words are pixels of the image, which went along', async () => {
  const { asked, address } = await serve(({ text }, response) => {
    const name = /\['(name \w)'\]/.exec(text)![1];
    // Thousandths of 100 x 80 pixels.
    say(response, `[{"class": "${name}", "rect": [0, 0, 200, 250]}, {"class": "sheep", "rect": [0, 0, 9, 9]}, {"cl`);
  });
  const { evaluation } = await run(cocoSuite(), address, { style: 'qwen2-vl' });
  expect(evaluation.figures.AP).toBeCloseTo(1, 6);
  expect(evaluation.notes).toEqual([
    'boxes of a name that was not asked for, left out: 8',
    'objects of answers that could not be read: 8',
    'answers cut for their length or for repeating themselves: 8',
  ]);
  expect(asked[0].model).toBe('m');
  expect(asked[0].url).toMatch(/^data:image\/png;base64,iVBOR/);
});

it('our own server says which boxes it means, and is told boxes', async () => {
  const { asked, address } = await serve(({ text, boxes }, response) => {
    if (boxes) return say(response, 'name a');
    const [name] = /name \w/.exec(text)!;
    say(response, name, {
      grounding: {
        phrases: [{ text: name, start: 0, end: 6, objects: [3, 3] }],
        objects: [{ index: 3, box: [0, 0, 20, 20], score: 0.5 }],
      },
    });
  });
  expect((await run(cocoSuite(), address, {})).evaluation.figures.AP).toBeCloseTo(1, 6);
  expect((await run(regionsSuite(), address, {})).evaluation.figures.exact).toBe(1 / 8);
  expect(asked[asked.length - 1].boxes).toEqual([[0, 0, 20, 20]]);
});

it('a style that is not the server’s is told in one line', async () => {
  const { address } = await serve((_, response) => say(response, 'two dogs'));
  const { evaluation } = await run(cocoSuite(), address, {});
  expect(evaluation.notes[0]).toMatch(/has no message\.grounding; .* choose another --style \(shikra, ferret/);
  expect(() => new EndpointSubject({ address, model: 'm' }, { style: 'toString' })).toThrow(/expected one of chatrex/);
});
