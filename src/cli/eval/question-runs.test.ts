import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { readRows } from '../../evaluation/rows-file.ts';
import { evalCommand } from '../eval.ts';
import { notScoredStatus } from '../score.ts';
import { incompleteStatus } from './suite-command.ts';

const hubFile = fileURLToPath(new URL('../../../fixtures/evaluation/mmmu-hub.parquet', import.meta.url));

/** What a question looks like on its way: words, and the color of each image. */
interface Asked {
  readonly words: string;
  readonly parts: readonly string[];
  readonly boxes?: readonly number[][];
  readonly maxTokens?: number;
}

type Reply = string | { readonly content: string; readonly grounding?: unknown } | { readonly status: number };

let folder: string;
let endpoint: string;
let asked: Asked[] = [];
let reply: (question: Asked) => Reply = () => '';

const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const { messages, max_tokens: maxTokens } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  const parts: string[] = [];
  let boxes: number[][] | undefined;
  const { content } = messages[0];
  for (const part of typeof content === 'string' ? [{ type: 'text', text: content }] : content) {
    if (part.type === 'text') parts.push(part.text);
    else parts.push(await colorOf(part.image_url.url));
    boxes ??= part.boxes;
  }
  const question = { words: parts.filter((part) => !part.startsWith('#')).join(''), parts, boxes, maxTokens };
  asked.push(question);
  const answer = reply(question);
  if (typeof answer === 'object' && 'status' in answer) return response.writeHead(answer.status).end('no');
  const message = typeof answer === 'string' ? { content: answer } : answer;
  response.end(JSON.stringify({ choices: [{ message, finish_reason: 'stop' }] }));
});

async function colorOf(url: string): Promise<string> {
  const { data } = await sharp(Buffer.from(url.split(',')[1], 'base64'))
    .raw()
    .toBuffer({ resolveWithObject: true });
  return `#${data.subarray(0, 3).toString('hex')}`;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatrex-questions-'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1#m`;
  await mkdir(join(folder, 'images'));
  for (const name of ['a', 'b', 'c']) {
    await sharp({ create: { width: 100, height: 80, channels: 3, background: 'white' } })
      .png()
      .toFile(join(folder, 'images', `${name}.png`));
  }
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  asked = [];
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

/** What the command prints to both ends, and its exit status. */
async function run(...words: string[]) {
  let [out, err] = ['', ''];
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    err += chunk;
    return true;
  });
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    out += chunk;
    return true;
  });
  const command = evalCommand();
  for (const inner of command.commands) inner.exitOverride();
  await command.parseAsync(words, { from: 'user' });
  vi.restoreAllMocks();
  const status = process.exitCode;
  process.exitCode = undefined;
  return { out, err, status };
}

const json = async (...words: string[]) => JSON.parse((await run(...words, '--json')).out);

async function file(name: string, content: unknown): Promise<string> {
  const path = join(folder, name);
  const text =
    Array.isArray(content) && name.endsWith('.jsonl')
      ? content.map((one) => JSON.stringify(one)).join('\n')
      : JSON.stringify(content);
  await writeFile(path, text);
  return path;
}

describe('questions whose truth is in files', () => {
  const pope = () =>
    file(
      'coco_pope_random.json',
      Array.from({ length: 10 }, (_, i) => ({
        question_id: i,
        image: `${'abc'[i % 3]}.png`,
        text: `Is there a ${i % 2 === 0 ? 'dog' : 'cat'} in image ${i}?`,
        label: i % 2 === 0 ? 'yes' : 'no',
      })),
    );
  const words = async (out: string) => [
    'pope',
    '--truth',
    await pope(),
    '--images',
    join(folder, 'images'),
    '--endpoint',
    endpoint,
    '--out',
    join(folder, out),
  ];

  it('are scored over those that were asked, which the figures say', async () => {
    reply = ({ words: question }) => (/dog/.test(question) ? 'Yes' : 'No');
    const limited = await json(...(await words('limited')), '--limit', '4');
    expect(limited).toMatchObject({ accuracy: 1, f1: 1, counts: { samples: 4, questions: 4 } });
    expect(limited.notes).toEqual(['figures are of the first 4 of 10 samples (--limit)']);
    const whole = await json(...(await words('limited')));
    expect(whole).toMatchObject({ accuracy: 1, notes: [] });
    expect(asked).toHaveLength(10);
    const shards = await words('sharded');
    expect(await json(...shards, '--shard', '1/3')).toMatchObject({ accuracy: 1, counts: { questions: 3 } });
    for (const part of ['0/3', '2/3']) await run(...shards, '--shard', part);
    expect(await json('report', join(folder, 'sharded'))).toMatchObject({
      accuracy: 1,
      notes: [],
      counts: { questions: 10 },
    });
    expect(asked).toHaveLength(20);
  });

  it('count as wrong, aloud, where an answer was to come and did not; a second run asks those alone', async () => {
    const failing = /image [38]\?/;
    reply = ({ words: question }) => (failing.test(question) ? { status: 400 } : /dog/.test(question) ? 'Yes' : 'No');
    const command = [...(await words('failing')), '--limit', '8', '--attempts', '1'];
    const { out, status } = await run(...command, '--json');
    const { accuracy, notes, counts } = JSON.parse(out);
    expect({ accuracy, status }).toEqual({ accuracy: 7 / 8, status: incompleteStatus });
    expect(counts).toMatchObject({ samples: 8, answered: 7, failed: 1 });
    expect(notes.join('\n')).toMatch(/first 8 of 10 samples/);
    expect(notes.join('\n')).toMatch(/1 question without an answer counted as wrong: .*status 400/);
    asked = [];
    reply = () => 'No';
    expect(await json(...command)).toMatchObject({ accuracy: 1 });
    expect(asked.map(({ words: question }) => question)).toEqual([expect.stringMatching(/image 3\?/)]);
  });

  it('are scored again and compared without their files, and without a judge', async () => {
    reply = ({ words: question }) => (/dog/.test(question) ? 'Yes' : 'No');
    await run(...(await words('right')));
    reply = () => 'Yes';
    await run(...(await words('yes')), '--rule', 'lmms-eval');
    await rm(await pope());
    const report = await json('report', join(folder, 'yes'), '--no-images');
    expect(report).toMatchObject({ accuracy: 0.5, variant: { rule: expect.stringMatching(/^lmms-eval/) } });
    const { figures } = await json('compare', join(folder, 'right'), join(folder, 'yes'), '--resamples', '200');
    const accuracy = figures.find(({ name }: { name: string }) => name === 'accuracy');
    expect(accuracy).toMatchObject({ first: 1, second: 0.5, isMeaningful: true });
    expect(accuracy.interval[0]).toBeGreaterThan(-0.95);
    expect(accuracy.interval[1]).toBeLessThan(-0.1);
  });

  it('keep what a judge said, so that it is not asked again', async () => {
    const truth = await file('mm-vet.json', {
      v1_0: { imagename: 'a.png', question: 'What?', answer: 'x', capability: ['ocr'] },
      v1_1: { imagename: 'b.png', question: 'Why?', answer: 'y', capability: ['rec'] },
    });
    const command = ['mm-vet', '--truth', truth, '--images', join(folder, 'images'), '--endpoint', endpoint];
    const graded = (grade: string) => (question: Asked) =>
      question.maxTokens === 3 ? (question.words.includes('Why?') ? '1.0' : grade) : 'words';
    for (const [name, grade] of [
      ['low', '0.2'],
      ['high', '0.6'],
    ]) {
      reply = graded(grade);
      const out = ['--out', join(folder, name)];
      expect((await run(...command, ...out)).status).toBe(notScoredStatus);
      const score = await json(...command, ...out, '--judge', endpoint.replace('#m', '#j'));
      expect(score.score).toBeCloseTo(name === 'low' ? 60 : 80, 9);
    }
    asked = [];
    const report = await json('report', join(folder, 'low'));
    expect(report.score).toBeCloseTo(60, 9);
    const { figures } = await json('compare', join(folder, 'low'), join(folder, 'high'), '--resamples', '100');
    expect(figures[0]).toMatchObject({ name: 'score', isMeaningful: false });
    expect(figures[0].difference).toBeCloseTo(20, 9);
    expect(figures[0].interval[1]).toBeCloseTo(40, 9);
    expect(asked).toEqual([]);
  });
});

describe('mmmu', () => {
  const words = (...more: string[]) => ['mmmu', '--truth', hubFile, '--endpoint', endpoint, ...more];

  it('asks in the words of MMMU with each image in its place, and reads letters and open answers', async () => {
    reply = ({ words: question }) =>
      /color/.test(question)
        ? 'The answer is (A)'
        : /green/.test(question)
          ? 'C'
          : /half/.test(question)
            ? 'It is 1/2.'
            : '5';
    const figures = await json(...words('--out', join(folder, 'mmmu')));
    expect(figures).toMatchObject({ accuracy: 0.75, accuracyMultipleChoice: 1, accuracyOpen: 0.5, notes: [] });
    expect(figures.byKind).toMatchObject({ Art: { accuracy: 1 }, Math: { accuracy: 0.5 } });
    const parts = new Map(asked.map((question) => [question.words, question.parts]));
    const letter = "Answer with the option's letter from the given choices directly.";
    expect([...parts.values()].sort()).toEqual(
      [
        ['#ff0000', ` Which color is this?\n(A) red\n(B) green\n(C) it's blue\n(D) 50%\n\n${letter}`],
        [
          ...[
            'Which of these is green? ',
            '#ff0000',
            '#008000',
            '\n(A) ',
            '#0000ff',
            '\n(B) ',
            '#ff0000',
            '\n(C) ',
            '#008000',
          ],
          `\n\n${letter}`,
        ],
        ['How many corners are in ', '#ffffff', '?\nAnswer the question using a single word or phrase.'],
        ['What is half of ', '#000000', '?\nAnswer the question using a single word or phrase.'],
      ].sort(),
    );
    asked = [];
    expect(await json(...words('--out', join(folder, 'mmmu')))).toMatchObject({ accuracy: 0.75 });
    expect(asked).toEqual([]);
    await expect(run(...words('--out', join(folder, 'mmmu'), '--wording', 'vlmevalkit'))).rejects.toThrow(
      /options.wording/,
    );
  });

  it('shows the first image alone to who reads one, and counts aloud for how many questions', async () => {
    reply = () => 'B';
    const figures = await json(...words('--first-image', '--wording', 'vlmevalkit', '--rule', 'vlmevalkit'));
    expect(figures.notes).toContain('of 1 question with several images the model saw the first one');
    const [question] = asked.filter(({ words: text }) => text.includes('green?'));
    expect(question.parts).toEqual([
      '#ff0000',
      'Question: Which of these is green? <image 1> <image 2>\nOptions:\nA. <image 3>\nB. <image 1>\nC. <image 2>\nPlease select the correct answer from the options above. \n',
    ]);
  });

  it('refuses files of another suite in one line', async () => {
    const other = await file('other.parquet', {});
    await expect(run('mmmu', '--truth', other, '--endpoint', endpoint)).rejects.toThrow(/is not a Parquet file/);
  });
});

describe('humanref', () => {
  const phrase = (id: number, image: string, referring: string, boxes: number[][], domain = 'attribute') => ({
    ...{ id, image_name: image, referring, domain, sub_domain: `${domain} sub`, answer_boxes: boxes },
    candidate_boxes: [
      [0, 0, 10, 10],
      [20, 0, 30, 10],
      [40, 0, 50, 10],
    ],
  });
  const truth = () =>
    file('annotations.jsonl', [
      phrase(1, 'a.png', 'people in red', [
        [0, 0, 10, 10],
        [20, 0, 30, 10],
      ]),
      phrase(2, 'b.png', 'the tall one', [[40, 0, 50, 10]]),
      phrase(3, 'a.png', 'an astronaut', [], 'rejection'),
      phrase(4, 'c.png', 'a knight', [], 'rejection'),
    ]);
  const command = async (...more: string[]) => [
    'humanref',
    '--truth',
    await truth(),
    '--images',
    join(folder, 'images'),
    ...more,
  ];
  const grounded = (...boxes: number[][]) => ({
    content: 'there',
    grounding: {
      phrases: boxes.length === 0 ? [] : [{ text: 'x', objects: boxes.map((_, i) => i) }],
      objects: boxes.map((box, index) => ({ index, box })),
    },
  });

  it('asks for several people, one, and nobody, and scores as RexSeek does', async () => {
    reply = ({ words }) =>
      /red/.test(words)
        ? grounded([0, 0, 10, 10], [20, 0, 30, 10])
        : /tall/.test(words)
          ? grounded([40, 0, 50, 10], [0, 0, 10, 10])
          : /astronaut/.test(words)
            ? grounded()
            : grounded([0, 0, 10, 10]);
    const out = join(folder, 'humanref');
    const figures = await json(...(await command('--endpoint', endpoint, '--concurrency', '1', '--out', out)));
    expect(figures).toMatchObject({ precision: 0.75, recall: 1, rejection: 0.5, counts: { samples: 3, questions: 4 } });
    expect(figures.densityF1).toBeCloseTo((1 + 1 / 3) / 2, 9);
    expect(asked[0].words).toBe('Please detect people in red in this image. Answer the question with object indexes.');
    expect(asked.every(({ boxes }) => boxes === undefined)).toBe(true);
    const rows = await readRows(out);
    expect(rows.map(({ sample, question }) => `${sample} ${question}`)).toEqual([
      'a.png 1',
      'a.png 3',
      'b.png 2',
      'c.png 4',
    ]);
    expect(await readFile(join(out, 'report.html'), 'utf8')).toContain('data:image/webp');
    expect(await json('report', out)).toMatchObject({ rejection: 0.5, notes: [] });
    const { figures: compared } = await json('compare', out, out, '--resamples', '100');
    expect(compared.every(({ isMeaningful }: { isMeaningful: boolean }) => !isMeaningful)).toBe(true);
  });

  it('gives the people of the annotation to choose from with --candidates', async () => {
    reply = () => grounded();
    const figures = await json(...(await command('--endpoint', endpoint, '--candidates', '--limit', '1')));
    expect(figures).toMatchObject({ precision: 0, recall: 0, rejection: 1, counts: { samples: 1, questions: 2 } });
    expect(figures.notes[0]).toBe('figures are of the first 1 of 3 samples (--limit)');
    expect(asked[0].boxes).toHaveLength(3);
  });

  it('counts a phrase without an answer as wrong, a rejection too', async () => {
    reply = ({ words }) => (/astronaut|tall/.test(words) ? { status: 400 } : grounded());
    const figures = await json(...(await command('--endpoint', endpoint, '--attempts', '1')));
    expect(figures).toMatchObject({ rejection: 0.5, counts: { failed: 2 } });
    expect(figures.notes[0]).toMatch(/^2 questions without an answer counted as wrong/);
  });

  it('asks a detector for everybody, and refuses one that is asked for phrases', async () => {
    await expect(run(...(await command('--model', 'models/photo/upn')))).rejects.toThrow(
      /--as person finds all people/,
    );
    const figures = await json(...(await command('--model', 'models/photo/upn', '--as', 'person', '--threads', '1')));
    expect(figures).toMatchObject({ recall: 0, rejection: 1 });
  });
});
