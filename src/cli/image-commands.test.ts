import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from '../chatrex/answer.ts';
import { decodeImage } from '../image/decode.ts';
import { answerPrinter, boxLines } from './answer-output.ts';
import { describeCommand } from './ask.ts';
import { parseBoxes, requireSameSize } from './parse-boxes.ts';
import { run } from './testing/run-program.ts';

const file = 'fixtures/chatrex/tiny-image.png';
const model = ['--model', 'fixtures/chatrex/tiny-gated'];
const boxes = ['--boxes', '4,3,20,30; 0 0 50 37'];

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'chatrex-cli-'));
});
afterAll(() => rm(work, { recursive: true }));

describe('the commands that talk about an image', () => {
  it('detect: JSON on stdout, a drawing in the file', async () => {
    const out = join(work, 'found.png');
    const args = ['detect', file, 'dog', 'cat', ...model, ...boxes, '--max-tokens', '20', '--json', '--out', out];
    const { code, stdout, stderr } = await run(args);
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^(the answer was cut.*\n)?$/)]);
    const answer = JSON.parse(stdout);
    expect(answer).toMatchObject({ image: file, width: 50, height: 37, issues: [] });
    expect(answer.proposals.boxes).toEqual([
      [4, 3, 20, 30],
      [0, 0, 50, 37],
    ]);
    expect(answer.boxes.length).toBe(answer.labels.length);
    expect((await decodeImage(out)).width).toBeGreaterThanOrEqual(50);
  });

  it('found boxes by the filter that is asked for, a drawing in a folder', async () => {
    const out = join(work, 'drawn');
    const scene = 'models/nano/example/scene.png';
    const filter = ['--model', 'nano', '--min-score', '0.3', '--nms', '0.5', '--max-boxes', '3'];
    const { code, stdout } = await run(['detect', scene, 'Cats. kite', ...filter, '--json', '--out', out]);
    expect(code).toBe(0);
    const { asked, phrases, labels, proposals } = JSON.parse(stdout);
    expect(asked).toEqual(['Cats', 'kite']);
    expect(phrases.length).toBe(labels.length);
    expect(proposals.boxes).toHaveLength(3);
    expect(await readdir(out)).toEqual(['scene.png.answer.jpg']);
    const both = await run(['detect', scene, 'cat', '--boxes', '1,2,3,4', '--max-boxes', '3']);
    expect(both.stderr).toMatch(/'--max-boxes <n>' cannot be used with option '--boxes/);
  });

  it('chat: a question a line, and the last answer as a page', async () => {
    const out = join(work, 'said.html');
    const args = ['chat', file, ...model, ...boxes, '--max-tokens', '6', '--json', '--out', out];
    const { code, stdout } = await run(args, 'What is <obj1>?\n/bad\nWhat is <obj99>?\n\nWhy?\n');
    expect(code).toBe(3);
    const answers = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(answers.map(({ question, error }) => [question, error?.code])).toEqual([
      ['What is <obj1>?', undefined],
      ['/bad', 'invalid-argument'],
      ['What is <obj99>?', 'invalid-argument'],
      ['Why?', undefined],
    ]);
    expect(await readFile(out, 'utf8')).toContain('<h1>Why?</h1>');
  });

  it('chat forgets the oldest questions when there is no more room, and says so', async () => {
    const args = ['chat', file, ...model, ...boxes, '--max-tokens', '20', '--json'];
    const { code, stdout, stderr } = await run(args, 'Which of the things is the largest one?\n'.repeat(12));
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(12);
    expect(stderr).toMatch(/forgot the oldest \d+ of \d+ questions/);
  });

  it('one line per mistake, and what to do about it', async () => {
    const missing = await run(['ask', file, 'What is <obj7>?', ...model, '--boxes', '1,2,3,4']);
    expect(missing).toEqual({
      code: 1,
      stdout: '',
      stderr: 'chatrex: question: <obj7> is no box of this image, which has only <obj0>; name one it has\n',
    });
  });

  it('mistakes are told before a model is loaded', async () => {
    const told: string[] = [];
    const command = () =>
      describeCommand()
        .exitOverride()
        .configureOutput({ writeErr: (text) => told.push(text) });
    await expect(command().parseAsync(['a.png', '--boxs', '1,2,3,4'], { from: 'user' })).rejects.toThrow();
    expect(told.join('')).toContain('Did you mean --boxes?');
    const undrawable = command().parseAsync(['a.png', '--out', 'x.txt'], { from: 'user' });
    await expect(undrawable).rejects.toThrow(/"x.txt" must end in .*html, or be a folder/);
  });
});

describe('parseBoxes', () => {
  it('reads coordinates, lists and what propose prints', async () => {
    expect(await parseBoxes('1,2,3,4;5.5 6 7e1 -8;')).toEqual({
      boxes: [
        [1, 2, 3, 4],
        [5.5, 6, 70, -8],
      ],
    });
    expect(await parseBoxes('')).toEqual({ boxes: [] });
    const file = join(work, 'boxes.json');
    await writeFile(file, '{"boxes": [[1,2,3,4]], "scores": [0.5], "image": "a"}');
    expect(await parseBoxes(file)).toEqual({ boxes: { boxesXyxy: [[1, 2, 3, 4]], scores: [0.5] } });
    await writeFile(file, '\uFEFF[[1,2,3,4]]');
    expect(await parseBoxes(file)).toEqual({ boxes: [[1, 2, 3, 4]] });
  });

  it.each(['{', '{"boxes": 1}', 'null', '[["1"]]', '{"boxes": [], "scores": ["a"]}'])('refuses %s', async (content) => {
    const file = join(work, 'wrong.json');
    await writeFile(file, content);
    await expect(parseBoxes(file)).rejects.toThrow(/must hold/);
  });

  it.each<[string, RegExp]>([
    ['[[1,2,30', /ends within the JSON after 8 characters/],
    ['{"boxes": [[1,2,3,4]', /ends within the JSON after 20 characters/],
    ['[{"bbox": [1, 2, 30, 40], "score": 0.5}]', /COCO results, whose bbox is x, y, width, height/],
    ['{"boxes":[]}\n{"boxes":[]}\n', /2 lines of JSON, one for each image/],
    ['{"boxes":[[0,0,1,1]],"scores":[NaN]}', /NaN or Infinity/],
    ['[[1,2,3,4],[5,6]]', /box 1 is \[5,6\]/],
    ['{"boxes":[[0,0,1,1]],"scores":[]}', /scores are no number for each box/],
    ['a, b', /no JSON/],
  ])('says what is wrong in %s', async (content, message) => {
    const file = join(work, 'wrong.json');
    await writeFile(file, content);
    await expect(parseBoxes(file)).rejects.toThrow(message);
  });

  it('knows what image they were made for', async () => {
    const file = join(work, 'sized.json');
    await writeFile(file, '{"image": "a.png", "width": 512, "height": 256, "boxes": [[20, 40, 180, 240]]}');
    const given = await parseBoxes(file);
    expect(() => requireSameSize(given, { width: 512, height: 256 })).not.toThrow();
    expect(() => requireSameSize(given, { width: 256, height: 256 })).toThrow(/512 x 256 pixels.*256 x 256/);
  });

  it('names the file that is not there', async () => {
    await expect(parseBoxes('nothing.json')).rejects.toThrow(/"nothing.json" cannot be read/);
  });
});

describe('answers on a terminal', () => {
  it('come out as they would whole, phrases with their boxes', () => {
    const stream = new PassThrough() as unknown as NodeJS.WriteStream;
    const printer = answerPrinter(stream);
    for (const text of ['Two ', 'of ']) printer.onEvent({ kind: 'text', text });
    printer.onEvent({ kind: 'phrase-start' });
    printer.onEvent({ kind: 'text', text: 'them' });
    expect(String(stream.read())).toBe('Two of ');
    printer.onEvent({ kind: 'phrase-end', objects: [0, 3] });
    printer.onEvent({ kind: 'text', text: '.' });
    printer.end();
    expect(String(stream.read())).toBe('them [0, 3].\n');
  });

  it('name boxes in the phrases that were asked for, with the words of the model where they differ', () => {
    const answer = {
      ...{ objects: [0, 1, 2], labels: ['kite', 'cat', 'bike'], phrases: ['the red kite', 'Cat', undefined] },
      ...{ boxesXyxy: new Float64Array(12), scores: [1, 1, 1] },
    };
    const names = boxLines(answer as unknown as Answer).matchAll(/0\.0 {2}(\S.*)/g);
    expect([...names].map(([, name]) => name)).toEqual(['the red kite ("kite") [0]', 'cat [1]', 'bike [2]']);
  });

  it('never let a model move the cursor', () => {
    const answer = { objects: [0], labels: ['a\u001b[2Jb'], boxesXyxy: Float64Array.of(1, 2, 3, 4), scores: [0.5] };
    expect(boxLines(answer as unknown as Answer)).toBe('  0.50      1.0     2.0     3.0     4.0  a?[2Jb [0]\n');
  });
});
