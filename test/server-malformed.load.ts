/** 2,000 malformed requests: no crash, and every answer a 4xx with a message. `npm run test:server` */

import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LocalServer, startLocalServer } from '../src/server/testing/local-server.ts';
import { malformedBytes, malformedRequests } from '../src/server/testing/malformed.ts';

let server: LocalServer;
beforeAll(async () => {
  server = await startLocalServer();
}, 60_000);
afterAll(() => server.stop());

it('answers 1,800 requests with what is wrong', { timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(malformedRequests, async ({ path, ...request }) => {
      const response = await fetch(server.url + path, request as RequestInit);
      const text = await response.text();
      expect(response.status, text).toBeGreaterThanOrEqual(400);
      expect(response.status, text).toBeLessThan(500);
      const { error } = JSON.parse(text);
      expect(error.message.length).toBeGreaterThan(5);
    }),
    { numRuns: 1800 },
  );
  expect(server.logged.filter(({ level }) => level === 'error')).toEqual([]);
});

it('answers 200 streams of bytes that are no requests', { timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(malformedBytes, async (bytes) => {
      const answer = await new Promise<string>((resolve) => {
        let text = '';
        const socket = connect(server.port, '127.0.0.1', () => socket.end(bytes));
        socket.on('data', (chunk) => (text += chunk));
        socket.on('error', () => {});
        socket.on('close', () => resolve(text));
      });
      // Whoever hangs up in the middle of a request gets no answer.
      if (answer !== '') expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    }),
    { numRuns: 200 },
  );
  expect((await fetch(`${server.url}/health`)).status).toBe(200);
  expect(server.logged.filter(({ level }) => level === 'error')).toEqual([]);
});
