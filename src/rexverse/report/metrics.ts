/** The progress of a run for Prometheus, on 127.0.0.1. */

import { createServer } from 'node:http';
import { Gauge, Registry } from 'prom-client';
import { ChatRexError } from '../../errors.ts';
import type { RunProgress } from '../run.ts';

export interface MetricsServer {
  readonly port: number;
  update(progress: RunProgress): void;
  close(): Promise<void>;
}

/**
 * Serves `/metrics`.
 * @param port 0 takes any that is free
 * @throws ChatRexError 'invalid-argument' when the port is taken
 */
export async function startMetrics(port: number): Promise<MetricsServer> {
  const registry = new Registry();
  const gauge = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Gauge({ name: `chatrex_rexverse_${name}`, help, labelNames, registers: [registry] });
  const entries = gauge('entries', 'Entries of the list by state', ['state']);
  const stages = gauge('stage_items', 'Items that have passed a stage since the run began', ['stage']);
  const calls = gauge('calls', 'Model calls: made, or found again on disk', ['kind']);
  const tokens = gauge('tokens', 'Tokens spent', ['model', 'direction']);
  const server = createServer((request, response) => {
    if (request.url !== '/metrics') return response.writeHead(404).end();
    void registry.metrics().then((text) => {
      response.writeHead(200, { 'content-type': registry.contentType }).end(text);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(new ChatRexError('invalid-argument', `--metrics ${port}: cannot listen there (${cause.code})`, { cause })),
    );
    server.listen(port, '127.0.0.1', resolve);
  });
  server.unref();
  const address = server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : port,
    update: ({ entries: all, done, filtered, failed, passed, made, reused, spent }) => {
      for (const [state, count] of Object.entries({ done, filtered, failed, left: all - done - filtered - failed })) {
        entries.set({ state }, count);
      }
      for (const [stage, count] of Object.entries(passed)) stages.set({ stage }, count);
      calls.set({ kind: 'made' }, made);
      calls.set({ kind: 'found_again' }, reused);
      for (const [model, { input, output }] of spent) {
        if (model === '') continue;
        tokens.set({ model, direction: 'input' }, input);
        tokens.set({ model, direction: 'output' }, output);
      }
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
