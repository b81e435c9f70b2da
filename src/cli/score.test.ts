import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { notScoredStatus, scoreCommand } from './score.ts';

const encoder = fileURLToPath(new URL('../../fixtures/language/sentence-encoder', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatrex-score-'));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

async function file(name: string, content: unknown): Promise<string> {
  const path = join(folder, name);
  const lines = Array.isArray(content) && name.endsWith('.jsonl');
  await writeFile(path, lines ? content.map((line) => JSON.stringify(line)).join('\n') : JSON.stringify(content));
  return path;
}

/** What the command prints to both ends, and its exit status. */
async function score(...words: string[]) {
  let [out, err] = ['', ''];
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    err += chunk;
    return true;
  });
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    out += chunk;
    return true;
  });
  const command = scoreCommand();
  command.exitOverride();
  for (const inner of command.commands) inner.exitOverride();
  await command.parseAsync(words, { from: 'user' });
  vi.restoreAllMocks();
  const status = process.exitCode;
  process.exitCode = undefined;
  return { out, err, status };
}

it('gives figures under the names of the suite, not rounded, and says aloud what was missing', async () => {
  const truth = await file(
    'coco_pope_random.json',
    [1, 2, 3].map((question_id) => ({ question_id, label: 'yes', image: 'a', text: '?' })),
  );
  const lines = [1, 2, 2].map((question_id) => ({ question_id, answer: 'Yes' }));
  const answers = await file('answers.jsonl', lines);
  const { out, err, status } = await score('pope', '--answers', answers, '--truth', truth, '--json');
  expect(JSON.parse(out)).toMatchObject({
    suite: 'pope',
    accuracy: 2 / 3,
    precision: 1,
    recall: 2 / 3,
    f1: 0.8,
    yesRatio: 2 / 3,
    counts: { samples: 3, answered: 2, missing: 1, repeated: 1, unknown: 0 },
  });
  expect(err).toBe(
    'note: 1 sample without an answer counted as wrong: 3\n' +
      'note: 1 answer to a sample that was answered before left out: 2\n',
  );
  expect(status).toBeUndefined();
  const table = (await score('pope', '--answers', answers, '--truth', truth)).out;
  expect(table).toMatch(/^pope: 2 of 3 samples answered\n {2}rule: official: .*\n/);
  expect(table).toMatch(/\nall +66\.67 +100\.00 +66\.67 +80\.00 +66\.67\n/);
});

it('scores COCO with the names of pycocotools', async () => {
  const truth = await file('truth.json', {
    images: [{ id: 1 }],
    categories: [{ id: 1, name: 'cat' }],
    annotations: [{ id: 1, image_id: 1, category_id: 1, bbox: [0, 0, 10, 10], area: 100, iscrowd: 0 }],
  });
  const answers = await file('found.json', [{ image_id: 1, category_id: 1, bbox: [0, 0, 10, 10], score: 0.5 }]);
  const report = JSON.parse((await score('coco', '--answers', answers, '--truth', truth, '--json')).out);
  for (const name of ['AP', 'AP50', 'AP75', 'APs', 'AR1', 'AR10', 'AR100', 'ARs', 'precision50', 'recall50']) {
    expect(report[name], name).toBeCloseTo(1, 12);
  }
  expect(report).toMatchObject({ APm: -1, APl: -1, recall50WithoutZeros: 1 });
  for (const name of ['precision50WithoutZeros', 'f1MeanIou']) expect(report[name], name).toBeCloseTo(1, 12);
  const proposals = JSON.parse((await score('proposals', '--answers', answers, '--truth', truth, '--json')).out);
  expect(proposals).toMatchObject({ AR100: 1, recallAtScore: 1, recallAtIou50: 1 });
  expect(proposals.AP).toBeCloseTo(1, 12);
  await expect(score('lvis', '--answers', answers, '--truth', truth)).rejects.toThrow(/use suite coco/);
});

it('says "not scored" with a status of its own where a judge is missing, and asks one where there is one', async () => {
  const truth = await file('mm-vet.json', { v1_0: { question: '?', answer: 'x', capability: ['ocr'] } });
  const answers = await file('said.json', { v1_0: 'x' });
  const without = await score('mm-vet', '--answers', answers, '--truth', truth, '--json');
  expect(without.status).toBe(notScoredStatus);
  expect(without.err).toMatch(/^chatrex: mm-vet not scored: mm-vet needs a judge/);
  expect(JSON.parse(without.out)).toEqual({ suite: 'mm-vet', notScored: expect.stringMatching(/--judge URL#model/) });

  let asked = 0;
  const server = createServer((_, response) => {
    asked++;
    response.end(JSON.stringify({ choices: [{ message: { content: '0.7' } }] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const judge = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1#j`;
    const words = ['mm-vet', '--answers', answers, '--truth', truth, '--judge', judge, '--json'];
    expect(JSON.parse((await score(...words)).out)).toMatchObject({ suite: 'mm-vet', score: 70 });
    expect(JSON.parse((await score(...words)).out).byKind.ocr.score).toBeCloseTo(70, 12);
    expect(asked).toBe(1);
    expect(await readFile(`${answers}.judge.jsonl`, 'utf8')).toMatch(/"suite":"mm-vet","sample":"v1_0"/);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

it('takes a sentence encoder for names of regions', async () => {
  const truth = await file('lvis_val_1k_category.json', [{ id: 1, file_name: 'a.jpg', categories: ['traffic_light'] }]);
  const answers = await file('names.jsonl', [{ id: 1, predictions: ['traffic light'] }]);
  const words = ['regions', '--answers', answers, '--truth', truth, '--json'];
  expect(JSON.parse((await score(...words)).out)).toMatchObject({ semanticSimilarity: null, semanticIou: 1, exact: 1 });
  const { semanticSimilarity } = JSON.parse((await score(...words, '--encoder', encoder)).out);
  expect(semanticSimilarity).toBeCloseTo(1, 5);
});

it('draws the longest run of repeated boxes, and never over a file', async () => {
  const box = '{"class": "car", "rect": [1, 2, 30, 40]}';
  const answers = await file('loop.jsonl', [{ id: 1, response: `[${Array(5).fill(box)}]`, finish_reason: 'length' }]);
  const out = join(folder, 'loop.png');
  const words = ['repetition', '--answers', answers, '--out', out, '--json'];
  expect(JSON.parse((await score(...words)).out)).toMatchObject({
    repeating: 1,
    sameBox: 1,
    longestRun: 5,
    ranToLimit: 1,
  });
  expect((await readFile(out)).subarray(1, 4).toString()).toBe('PNG');
  await expect(score(...words)).rejects.toThrow(/exists/);
});

it('refuses answers of another suite, and names what is near a mistyped one', async () => {
  const truth = await file('annotations.jsonl', [{ id: 1, domain: 'a', sub_domain: 'b', answer_boxes: [] }]);
  const answers = await file('pope.jsonl', [{ question_id: 1, answer: 'yes', label: 'no', image: 'x' }]);
  await expect(score('humanref', '--answers', answers, '--truth', truth)).rejects.toThrow(
    /this looks like a file of pope/,
  );
  await expect(score('hmanref', '--answers', answers)).rejects.toThrow();
  await expect(score('pope', '--answers', join(folder, 'none.jsonl'), '--truth', truth)).rejects.toThrow(
    /no such file|expected/,
  );
});
