/** A run with worker processes and an endpoint: what comes out, and what happens when either misbehaves. */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Outcome } from './annotation.ts';
import { estimateRun } from './dry-run.ts';
import { toSample } from './export/to-sample.ts';
import { outcomesOf } from './outcomes.ts';
import { startMetrics } from './report/metrics.ts';
import { type RunOptions, runRexverse } from './run.ts';
import { TestEndpoint, type TestEndpointOptions } from './testing/endpoint.ts';
import { writeTestImages } from './testing/images.ts';
import { testSettings } from './testing/settings.ts';

const root = mkdtempSync(join(tmpdir(), 'rexverse-'));
const photos = join(root, 'photos');
let folders = 0;

beforeAll(async () => {
  await writeTestImages(photos, 12);
});
afterAll(() => rmSync(root, { recursive: true }));

async function outcomes(folder: string): Promise<Outcome[]> {
  const found: Outcome[] = [];
  for await (const { outcome } of outcomesOf(folder)) found.push(outcome);
  return found;
}

/** Runs the photos through an endpoint; retries without pauses that a test would have to wait for. */
async function runWith(endpoint: TestEndpointOptions, options: Partial<RunOptions> = {}) {
  const server = await TestEndpoint.start(endpoint);
  const out = options.out ?? join(root, `out-${folders++}`);
  try {
    const settings = await testSettings(`${server.url}#test`);
    const quick = { workers: 0, concurrency: 4, retryPauseMs: 5, callPauseMs: 5 };
    const summary = await runRexverse({ source: photos, settings, ...quick, ...options, out });
    return { summary, outcomes: await outcomes(out), server, out };
  } finally {
    await server.close();
  }
}

test('every entry ends once, in the order of the list, with everything that the stages found', async () => {
  const { summary, outcomes, server } = await runWith({}, { workers: 1 });
  expect(summary).toMatchObject({ entries: 12, done: 12, filtered: 0, failed: 0, left: 0, reused: 0 });
  expect(summary.made).toBe(server.total);
  expect(server.extra).toBe(0);
  expect(outcomes.map(({ index }) => index)).toEqual([...Array(12).keys()]);
  const [first] = outcomes;
  if (first.state !== 'done') throw new Error('expected a finished entry');
  const { texts, regions, dropped } = first.annotation;
  expect(texts).toHaveLength(1);
  for (const { start, end, regions: named } of texts[0].phrases) {
    expect(texts[0].text.slice(start, end).length).toBeGreaterThan(2);
    expect(named.every((at) => at < regions.length)).toBe(true);
  }
  expect(regions.length).toBeGreaterThan(0);
  for (const { boxXyxy, description, referring } of regions) {
    const [left, top, right, bottom] = boxXyxy;
    expect(left < right && top < bottom && right <= 224 && bottom <= 208).toBe(true);
    expect(description).toContain('that lies on the floor');
    expect(referring).toMatch(/near the other things$/);
  }
  expect(dropped).toContainEqual({ stage: 'phrases', what: 'a photo', reason: 'abstract noun' });
});

test('nothing waits for a worker that loads its models', async () => {
  process.env.REXVERSE_TEST_IMAGES = root;
  const rolesModule = fileURLToPath(new URL('./testing/one-start-roles.ts', import.meta.url));
  try {
    const { summary } = await runWith({}, { workers: 2, rolesModule });
    expect(summary).toMatchObject({ entries: 12, done: 12, left: 0 });
  } finally {
    delete process.env.REXVERSE_TEST_IMAGES;
  }
});

test('an endpoint that is slow, full, broken, mute, endless or confused: every item is accounted for', async () => {
  const turns = new Map<string, number>();
  const fault: TestEndpointOptions['fault'] = ({ stage, key, before }) => {
    if (before > 0) return undefined;
    const at = turns.size;
    turns.set(key, at);
    const faults = [
      { kind: 'status', status: 429, retryAfter: '0' },
      { kind: 'status', status: 500 },
      { kind: 'cut' },
      { kind: 'hang' },
      { kind: 'text', text: '' },
      { kind: 'raw', body: `{"choices":"${'x'.repeat(10 * 2 ** 20)}"}` },
      { kind: 'raw', body: 'not JSON' },
      { kind: 'raw', body: '{"choices":[]}' },
    ] as const;
    return stage === 'caption' || stage === 'ground' ? faults[at % faults.length] : undefined;
  };
  // On a busy machine an ordinary call may take too long as well: it is tried as often as it takes.
  const { summary, server } = await runWith({ fault }, { callTimeoutMs: 500, callTries: 1000, callPauseMs: 0 });
  expect(summary).toMatchObject({ done: 12, filtered: 0, failed: 0, left: 0 });
  expect(server.extra).toBeGreaterThanOrEqual(24);
});

test('an item whose calls always fail is put aside with its error; what a model refuses is filtered', async () => {
  const { summary, outcomes } = await runWith(
    {
      answer: ({ stage, key }) => (stage === 'caption' && key < '4' ? "I'm sorry, I can't help with that." : undefined),
      fault: ({ stage, key }) => (stage === 'caption' && key >= 'c' ? { kind: 'status', status: 500 } : undefined),
    },
    { callTries: 2, attempts: 2 },
  );
  expect(summary.done + summary.filtered + summary.failed).toBe(12);
  const refused = outcomes.filter(({ state }) => state === 'filtered');
  const failed = outcomes.filter(({ state }) => state === 'failed');
  expect(refused.length).toBeGreaterThan(0);
  expect(failed.length).toBeGreaterThan(0);
  expect(refused[0]).toMatchObject({ stage: 'caption', reason: 'refused' });
  expect(failed[0]).toMatchObject({ stage: 'caption', reason: 'unavailable', attempts: 2 });
});

test('a wrong key ends the run with one line, and no item is blamed', async () => {
  const run = runWith({ fault: () => ({ kind: 'status', status: 401 }) });
  await expect(run).rejects.toThrow(/the run cannot continue: test at http.*401/);
});

test('a source that is not there leaves no folder; a folder with other files stays', async () => {
  const out = join(root, 'nothing');
  const missing = { source: join(root, 'no-such-folder'), settings: await testSettings('http://127.0.0.1:9/v1#x') };
  await expect(runRexverse({ ...missing, out })).rejects.toThrow(/no-such-folder/);
  await expect(runRexverse({ ...missing, out, shard: { index: 0, of: 2 } })).rejects.toThrow(/no-such-folder/);
  expect(existsSync(out)).toBe(false);
  mkdirSync(out);
  writeFileSync(join(out, 'notes.txt'), 'mine');
  await expect(runRexverse({ ...missing, out })).rejects.toThrow(/no-such-folder/);
  expect(readdirSync(out)).toEqual(['notes.txt']);
});

test('captions without nouns, without end, in Chinese, with emoji and with a phrase said twice', async () => {
  const captions = [
    'Nothing much.',
    'word '.repeat(10_000),
    '一只狗和一只猫。',
    '🐶 A dog 🎾 and a dog.',
    'Running quickly!',
  ];
  const seen = new Map<string, string>();
  const { outcomes } = await runWith({
    answer: ({ stage, key }) => {
      if (stage !== 'caption') return undefined;
      if (!seen.has(key)) seen.set(key, captions[seen.size % captions.length]);
      return seen.get(key);
    },
  });
  const reasons = new Set(outcomes.map((one) => (one.state === 'filtered' ? one.reason : one.state)));
  expect([...reasons].sort()).toEqual(['done', 'no phrases', 'not English', 'text too long']);
  const done = outcomes.find(({ state }) => state === 'done');
  if (done?.state !== 'done') throw new Error('expected a finished entry');
  const [{ text, phrases }] = done.annotation.texts;
  expect(phrases.map(({ start, end }) => text.slice(start, end))).toEqual(['A dog', 'a dog']);
  expect(phrases.map(({ regions }) => regions)).toEqual([[0], [0]]);
});

test('no boxes filters an image, three hundred leave the best hundred, outside ones are refused', async () => {
  const { outcomes } = await runWith({
    answer: ({ stage, key, text }) => {
      if (stage === 'caption') return 'Some dogs.';
      if (stage !== 'ground') return undefined;
      if (key < '8') return 'None of them are in the image.';
      const label = /image: (.+?)\. Report/.exec(text)?.[1];
      const boxes = Array.from({ length: 300 }, (_, at) => {
        const [left, top] = [50 * (at % 20), 60 * Math.floor(at / 20)];
        return { bbox_2d: [left, top, left + 40, top + 50], label, score: 1 - at / 1000 };
      });
      return JSON.stringify([...boxes, { bbox_2d: [2000, 2000, 2100, 2100], label }]);
    },
  });
  expect(new Set(outcomes.map((one) => (one.state === 'filtered' ? one.reason : one.state)))).toEqual(
    new Set(['no boxes', 'done']),
  );
  const done = outcomes.find(({ state }) => state === 'done');
  if (done?.state !== 'done') throw new Error('expected a finished entry');
  expect(done.annotation.regions).toHaveLength(100);
  const reasons = done.annotation.dropped.map(({ reason }) => reason);
  expect(reasons.filter((reason) => reason === 'too many regions')).toHaveLength(200);
  expect(reasons).toContain('box outside the image');
});

test('a dry run says what all would take, and the run does not pay for its sample again', async () => {
  const out = join(root, 'dry');
  const server = await TestEndpoint.start();
  try {
    const settings = await testSettings(`${server.url}#test`);
    const quick = {
      source: photos,
      settings,
      out,
      workers: 0,
      concurrency: 2,
      prices: { test: { input: 1, output: 1 } },
    };
    const estimate = await estimateRun(quick, 4);
    const sampled = server.total;
    expect(estimate).toMatchObject({ entries: 12, sample: 4, ended: { done: 4, filtered: 0, failed: 0 } });
    expect(estimate.calls).toBe(3 * sampled);
    expect(estimate.tokens.test).toEqual({ input: 300 * sampled, output: 30 * sampled });
    expect(estimate.cost).toBeCloseTo((330 * sampled) / 1e6, 12);
    const summary = await runRexverse(quick);
    expect(summary).toMatchObject({ done: 12, reused: sampled });
    expect(server.extra).toBe(0);
  } finally {
    await server.close();
  }
});

test('Prometheus reads the progress of a run', async () => {
  const metrics = await startMetrics(0);
  try {
    await runWith({}, { onProgress: (progress) => metrics.update(progress) });
    const text = await (await fetch(`http://127.0.0.1:${metrics.port}/metrics`)).text();
    expect(text).toContain('chatrex_rexverse_entries{state="done"} 12');
    expect(text).toMatch(/chatrex_rexverse_tokens\{model="test",direction="input"\} \d+/);
    expect(text).toMatch(/chatrex_rexverse_stage_items\{stage="rewrite"\} 12/);
  } finally {
    await metrics.close();
  }
});

test('answers of conversations are grounded in place of a caption', async () => {
  const list = join(photos, 'llava.json');
  const turns = [
    { from: 'human', value: '<image>\nWhat is there?' },
    { from: 'gpt', value: 'A dog and a red ball.' },
    { from: 'human', value: 'Who plays?' },
    { from: 'gpt', value: 'The dog does.' },
  ];
  writeFileSync(
    list,
    JSON.stringify([0, 1].map((id) => ({ id, image: '0000.jpg', conversations: turns.slice(2 * id) }))),
  );
  const { outcomes, server } = await runWith({}, { source: list });
  expect(outcomes.map(({ state }) => state)).toEqual(['done', 'done']);
  expect(server.counts).toMatchObject({ caption: 0, describe: 0, rewrite: 0 });
  const [first] = outcomes;
  if (first.state !== 'done') throw new Error('expected a finished entry');
  const [{ turns: grounded, task }] = toSample(first, '0000.jpg').conversations;
  expect(task).toBe('conversation');
  expect(grounded.map(({ question }) => question)).toEqual([
    [{ kind: 'text', text: 'What is there?' }],
    [{ kind: 'text', text: 'Who plays?' }],
  ]);
  const phrases = grounded.map(({ answer }) => answer.flatMap((span) => (span.kind === 'phrase' ? [span.text] : [])));
  expect(phrases).toEqual([['A dog', 'a red ball'], ['The dog']]);
});

test('a run that is interrupted finishes the calls under way; the same command does the rest', async () => {
  const out = join(root, 'interrupted');
  const control = new AbortController();
  const endpoint = await TestEndpoint.start({ delayMs: 5 });
  try {
    const settings = await testSettings(`${endpoint.url}#test`);
    const quick = { source: photos, settings, out, workers: 0, concurrency: 2 };
    const running = runRexverse({ ...quick, signal: control.signal });
    while (endpoint.total < 30) await new Promise((resolve) => setTimeout(resolve, 5));
    control.abort();
    const first = await running;
    expect(first.stopped).toBe('interrupted');
    expect(first.left).toBeGreaterThan(0);
    expect(await runRexverse(quick)).toMatchObject({ done: 12, left: 0 });
    expect(endpoint.extra).toBe(0);
  } finally {
    await endpoint.close();
  }
});

test('an item that is tried again in the same run pays for the call that failed, and for no other', async () => {
  const fault: TestEndpointOptions['fault'] = ({ stage, before }) =>
    stage === 'verify' && before === 0 ? { kind: 'status', status: 500 } : undefined;
  const { summary, server } = await runWith({ fault }, { callTries: 1, attempts: 100 });
  expect(summary).toMatchObject({ done: 12, failed: 0, left: 0 });
  expect(server.extra).toBe(server.counts.verify / 2);
  expect(server.counts.verify).toBeGreaterThan(12);
});

test('a limit is the end of the progress', async () => {
  const out = join(root, 'limit');
  const seen: number[] = [];
  const first = await runWith({}, { out, limit: 5, onProgress: ({ entries }) => seen.push(entries) });
  expect(new Set(seen)).toEqual(new Set([5]));
  expect(first.summary).toMatchObject({ entries: 12, done: 5, left: 7 });
  expect(first.outcomes).toHaveLength(5);
});

test('a budget ends the run cleanly, and the next run pays for the rest only', async () => {
  const out = join(root, 'budget');
  const first = await runWith({}, { out, budget: { tokens: 2000 }, concurrency: 1 });
  expect(first.summary.left).toBeGreaterThan(0);
  expect(first.summary.stopped).toMatch(/the budget is spent \(\d+ of 2000 tokens\)/);
  expect(first.server.total).toBeLessThan(22);
});
