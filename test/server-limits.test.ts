/** What the server does not let through, and how it goes on when its model, its clients or its queue fail. */

import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Listening } from '../src/server/listen.ts';
import {
  type LocalServer,
  openImpatientDoor,
  scene,
  sceneUrl,
  startLocalServer,
  until,
  whileModelIsStopped,
} from '../src/server/testing/local-server.ts';
import { malformedRequests } from '../src/server/testing/malformed.ts';

const [key, otherKey] = ['first-key-0123456789', 'second-key-0123456789'];

let server: LocalServer;
beforeAll(async () => {
  server = await startLocalServer({
    apiKeys: [key, otherKey],
    corsOrigins: ['https://studio.example'],
    allowedHosts: ['chatrex.example'],
    maxBodyBytes: 200_000,
    maxImageBytes: 100_000,
    maxPixels: 100_000,
    concurrency: 1,
    maxWaiting: 2,
  });
});
afterAll(() => server.stop());

const asked = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
const body = (fields: object) => JSON.stringify({ image: sceneUrl, ...fields });

function post(path: string, content: BodyInit, headers: Record<string, string> = asked, signal?: AbortSignal) {
  return fetch(`${server.url}${path}`, { method: 'POST', body: content, headers, signal });
}

const describeScene = (fields: object = {}) => post('/v1/chatrex/describe', body(fields));

describe('keys', () => {
  it('are asked for by every route but those about the server', async () => {
    for (const path of ['/health', '/ready', '/version', '/openapi.json']) {
      expect((await fetch(server.url + path)).status, path).toBe(200);
    }
    for (const path of ['/v1/models', '/metrics', '/nothing', '/v1/chatrex/sessions/aaaaaaaaaaaaaaaaaaaaaa']) {
      expect((await fetch(server.url + path)).status, path).toBe(401);
    }
    for (const authorization of [
      '',
      'Bearer',
      'Bearer wrong',
      `Basic ${key}`,
      `Bearer ${key}x`,
      `Bearer ${key.slice(1)}`,
    ]) {
      const response = await fetch(`${server.url}/v1/models`, { headers: { authorization } });
      expect(response.status, authorization).toBe(401);
      expect((await response.json()).error.code).toBe('invalid_api_key');
    }
    for (const shown of [key, otherKey]) {
      const headers = { authorization: `Bearer ${shown}` };
      expect((await fetch(`${server.url}/v1/models`, { headers })).status).toBe(200);
      expect((await fetch(`${server.url}/v1/models`, { headers: { 'x-moondream-auth': shown } })).status).toBe(200);
    }
  });
});

describe('sessions', () => {
  it('are kept and opened with a key alone, and images of them do not act as pages', async () => {
    const announced = { images: [{ bytes: scene.length, type: 'image/png' }], state: { a: 1 } };
    expect(
      (await post('/v1/chatrex/sessions', JSON.stringify(announced), { 'content-type': 'application/json' })).status,
    ).toBe(401);
    const made = await post('/v1/chatrex/sessions', JSON.stringify(announced));
    const { id } = await made.json();
    const at = `${server.url}/v1/chatrex/sessions/${id}`;
    expect((await fetch(at, { headers: asked })).status).toBe(404);
    const image = { ...asked, 'content-type': 'image/png' };
    const put = (headers: Record<string, string>, index = 0) =>
      fetch(`${at}/images/${index}`, { method: 'PUT', headers, body: new Uint8Array(scene) });
    expect((await put(asked)).status).toBe(415);
    expect((await put(image, 1)).status).toBe(404);
    expect(await (await put(image)).json()).toEqual({ is_whole: true });
    expect(await (await fetch(at, { headers: asked })).json()).toMatchObject({ id, ...announced });
    const back = await fetch(`${at}/images/0`, { headers: asked });
    expect(Buffer.from(await back.arrayBuffer())).toEqual(scene);
    expect(back.headers.get('content-security-policy')).toContain('sandbox');
    expect((await fetch(`${at}/images/0`)).status).toBe(401);
    const large = { images: [{ bytes: 100_001, type: 'image/png' }], state: null };
    expect((await post('/v1/chatrex/sessions', JSON.stringify(large))).status).toBe(413);
    const page = { images: [{ bytes: 10, type: 'text/html' }], state: null };
    expect((await post('/v1/chatrex/sessions', JSON.stringify(page))).status).toBe(400);
    expect((await fetch(at, { method: 'DELETE', headers: asked })).status).toBe(204);
    const gone = await fetch(at, { headers: asked });
    expect([gone.status, (await gone.json()).error.code]).toEqual([404, 'session_not_found']);
  });
});

describe('pages of other sites', () => {
  const origins = async (origin: string, method = 'GET') => {
    const response = await fetch(`${server.url}/health`, {
      method,
      headers: { origin, ...(method === 'OPTIONS' && { 'access-control-request-method': 'POST' }) },
    });
    return response.headers.get('access-control-allow-origin');
  };
  it('are let in where they are named', async () => {
    expect(await origins('https://studio.example')).toBe('https://studio.example');
    expect(await origins('https://studio.example', 'OPTIONS')).toBe('https://studio.example');
    for (const origin of ['https://evil.example', 'http://studio.example', 'null']) {
      expect(await origins(origin)).toBeNull();
      expect(await origins(origin, 'OPTIONS')).toBeNull();
    }
  });

  it('cannot send what browsers send without asking', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const response = await post('/v1/chatrex/describe', body({}), { ...asked, 'content-type': type });
      expect(response.status).toBe(415);
    }
  });

  it('cannot reach it by another name', async () => {
    const status = async (host: string) =>
      (await raw(`GET /health HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).status;
    for (const host of ['localhost:1', '127.0.0.1', '[::1]:80', 'chatrex.example'])
      expect(await status(host)).toBe(200);
    for (const host of ['evil.example', '127.0.0.1.evil.example', 'localhost.']) expect(await status(host)).toBe(403);
    expect(await status('')).toBe(400);
  });
});

/** Sends bytes as they are; resolves when the server ends the connection. */
function raw(text: string, port = server.port): Promise<{ status: number; text: string }> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    let received = '';
    socket.on('data', (chunk) => (received += chunk));
    socket.on('error', () => {});
    socket.on('close', () => resolve({ status: Number(received.slice(9, 12)), text: received }));
  });
}

describe('sizes', () => {
  it('of bodies are bounded, whether they are told or not', async () => {
    const long = JSON.stringify({ image: 'x'.repeat(300_000) });
    const refused = await post('/v1/chatrex/describe', long);
    expect([refused.status, (await refused.json()).error.message]).toEqual([
      413,
      expect.stringContaining('--max-body'),
    ]);
    const stream = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 30; i++) controller.enqueue(new TextEncoder().encode('x'.repeat(10_000)));
        controller.close();
      },
    });
    const init = { method: 'POST', body: stream, headers: asked, duplex: 'half' } as RequestInit;
    expect((await fetch(`${server.url}/v1/chatrex/describe`, init)).status).toBe(413);
    const file = new Uint8Array(150_000);
    expect((await post('/v1/chatrex/describe', file, { ...asked, 'content-type': 'image/png' })).status).toBe(413);
  });

  it('of images are bounded in bytes and pixels', async () => {
    const large = `data:image/png;base64,${'A'.repeat(140_000)}`;
    const failure = await describeScene({ image: large });
    expect([failure.status, (await failure.json()).error.message]).toEqual([
      400,
      expect.stringMatching(/100000 bytes/),
    ]);
    const { default: sharp } = await import('sharp');
    const wide = await sharp({ create: { width: 1000, height: 101, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    const wideUrl = `data:image/png;base64,${wide.toString('base64')}`;
    const message = (await (await describeScene({ image: wideUrl })).json()).error.message;
    expect(message).toMatch(/1000 x 101 pixels/);
  });

  it('of headers, addresses and texts are bounded', async () => {
    const head = `GET /health HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`;
    expect((await raw(head)).status).toBe(431);
    const question = 'a'.repeat(70_000);
    const tooLong = await post('/v1/chatrex/ask', body({ question }));
    expect(tooLong.status).toBe(400);
    const noRoom = await post('/v1/chatrex/ask', body({ question: 'a b '.repeat(2000) }));
    expect([noRoom.status, (await noRoom.json()).error.message]).toEqual([
      400,
      expect.stringMatching(/tokens|position/),
    ]);
  });
});

describe.concurrent('slow clients', () => {
  // A socket with little patience, for these alone: on a busy machine it would cut off others too.
  let door: Listening;
  beforeAll(async () => {
    door = await openImpatientDoor(server);
  });
  afterAll(async () => {
    const closed = door.close();
    door.cutOff();
    await closed;
  });

  it.each([
    ['say nothing', ''],
    ['never end their headers', 'GET /health HTTP/1.1\r\nHost: localhost\r\n'],
    [
      'never end their body',
      `POST /v1/chatrex/ask HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
    ],
  ])('are cut off when they %s', async (_, text) => {
    const { status } = await raw(text, door.port);
    expect(status).toBe(408);
  });

  it('are cut off when they never read', async () => {
    const request = 'GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n';
    let socket: Socket | undefined;
    await new Promise<void>((resolve) => {
      socket = connect(door.port, '127.0.0.1', () => {
        // More answers than the buffers between the two can hold.
        socket!.pause();
        for (let i = 0; i < 1000; i++) socket!.write(request);
      });
      // Whoever does not read learns of the end when writing.
      const timer = setInterval(() => socket!.write(request), 100);
      socket.on('error', () => {
        clearInterval(timer);
        resolve();
      });
    });
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
  });
});

describe('the queue', () => {
  it('refuses what is too much, and clients have turns', async () => {
    const control = new AbortController();
    const asking = (shown: string) =>
      post(
        '/v1/chatrex/ask',
        body({ question: 'What?' }),
        { ...asked, authorization: `Bearer ${shown}` },
        control.signal,
      );
    await whileModelIsStopped(server, async () => {
      const first = asking(key);
      await until(() => server.engine.load.running === 1);
      const waiting = [asking(key), asking(otherKey)];
      await until(() => server.engine.load.waiting === 2);
      const refused = await asking(key);
      expect(refused.status).toBe(429);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      expect((await refused.json()).error).toMatchObject({ type: 'rate_limit_error', code: 'rate_limit_exceeded' });
      control.abort();
      expect((await Promise.allSettled([first, ...waiting])).map(({ status }) => status)).toEqual(
        Array(3).fill('rejected'),
      );
      // Who waited is out of the queue while the model is still at the first.
      await until(() => server.engine.load.waiting === 0);
    });
    await until(() => server.engine.load.running === 0);
  });
});

describe('a model that is killed', () => {
  it('fails its requests and no others', async () => {
    await describeScene();
    await whileModelIsStopped(server, async () => {
      const failing = post('/v1/chatrex/ask', body({ question: 'What?' }));
      await until(() => server.engine.load.calls === 1);
      const waiting = describeScene();
      await until(() => server.engine.load.waiting === 1);
      process.kill(server.engine.modelPid!, 'SIGKILL');
      const failed = await failing;
      expect([failed.status, (await failed.json()).error.code]).toEqual([503, 'unavailable']);
      expect((await fetch(`${server.url}/health`)).status).toBe(200);
      // The request that waited has not lost anything: it waits for the new process.
      expect((await waiting).status).toBe(200);
    });
    expect(server.engine.isReady).toBe(true);
    expect(server.logged.map(({ event }) => event)).toContain('model lost');
  });
});

describe('what the server tells of itself', () => {
  it('is figures under the names that dashboards know', async () => {
    await describeScene();
    const text = await (await fetch(`${server.url}/metrics`, { headers: asked })).text();
    for (const name of [
      'num_requests_running',
      'num_requests_waiting',
      'prompt_tokens_total',
      'generation_tokens_total',
      'request_success_total',
      'time_to_first_token_seconds_bucket',
      'inter_token_latency_seconds_bucket',
      'e2e_request_latency_seconds_bucket',
      'request_queue_time_seconds_bucket',
      'request_prefill_time_seconds_bucket',
      'request_decode_time_seconds_bucket',
    ]) {
      expect(text).toMatch(new RegExp(`^vllm:${name}\\{[^}]*model_name="nano"[^}]*\\} [\\d.]+$`, 'm'));
    }
    expect(text).toMatch(/chatrex:http_responses_total\{route="\/v1\/chatrex\/describe",status="200"/);
    // What anybody can make up is not kept.
    expect(text).not.toMatch(/nothing/);
  });

  it('is a log of requests without images, texts or keys', async () => {
    const headers = { ...asked, 'x-request-id': 'my-request.1' };
    const response = await post('/v1/chatrex/ask?secret=1', body({ question: 'Where is the secret?' }), headers);
    expect(response.headers.get('x-request-id')).toBe('my-request.1');
    await response.text();
    // The line is written when the reply has been sent.
    const line = () => server.logged.find(({ requestId }) => requestId === 'my-request.1');
    await until(() => line() !== undefined);
    expect(line()).toMatchObject({ event: 'request', path: '/v1/chatrex/ask', status: 200 });
    const text = JSON.stringify(server.logged);
    for (const secret of ['secret', sceneUrl.slice(30, 80), key, otherKey]) expect(text).not.toContain(secret);
    const forged = await fetch(`${server.url}/health`, { headers: { 'x-request-id': 'a b' } });
    expect(forged.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('is a document that has every route', async () => {
    const document = await (await fetch(`${server.url}/openapi.json`)).json();
    expect(document.openapi).toBe('3.1.0');
    for (const [path, methods] of Object.entries<object>(document.paths)) {
      for (const method of Object.keys(methods)) {
        const init = { method: method.toUpperCase(), headers: asked, ...(method === 'post' && { body: '{}' }) };
        const reply = await fetch(server.url + path, init);
        // A path with a name in it is there, and nothing of that name.
        if (path.includes('{')) expect((await reply.json()).error.code).toBe('session_not_found');
        else expect(reply.status, path).not.toBe(404);
      }
    }
  });
});

it('answers malformed requests with what is wrong', async () => {
  await fc.assert(
    fc.asyncProperty(malformedRequests, async ({ path, headers, ...request }) => {
      const init = { ...request, headers: { authorization: asked.authorization, ...headers } } as RequestInit;
      const response = await fetch(server.url + path, init);
      expect(Math.floor(response.status / 100)).toBe(4);
      expect((await response.json()).error.message).toMatch(/\w/);
    }),
    { numRuns: 60 },
  );
});

it('takes an image file as it is', async () => {
  const headers = { ...asked, 'content-type': 'image/png' };
  expect((await post('/v1/chatrex/count?phrase=kites', new Uint8Array(scene), headers)).status).toBe(200);
});
