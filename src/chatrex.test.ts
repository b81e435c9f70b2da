import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EncodedImage } from './chatrex/encoded-image.ts';
import { ChatRex } from './chatrex.ts';
import type { AnswerEvent } from './grounding/parse.ts';
import { patternedWeights, tinyConfig } from './proposals/testing/patterned.ts';
import { Upn } from './proposals/upn.ts';
import { upnParameters } from './proposals/weights.ts';
import { openSafetensors } from './weights/safetensors.ts';
import { writeSafetensors } from './weights/safetensors-writer.ts';

const fixtures = new URL('../fixtures/chatrex/', import.meta.url).pathname;
const imagePath = `${fixtures}tiny-image.png`;
const boxes = [
  [4.25, 3.5, 20, 30],
  [0, 0, 50, 37],
  [30.5, 10.25, 48.75, 20.5],
  [41, 1, 44, 3],
];
const questions = [
  'Please detect dog; cat in this image. Answer the question with object indexes.',
  'What is <obj2>?',
  'Why?',
];
const unconstrained = { isConstrained: false, maxTokens: 64 };

describe.each(['tiny-gated', 'tiny-concat'])('%s writes what transformers writes', (name) => {
  let model: ChatRex;
  let image: EncodedImage;
  let expected: number[][];

  beforeAll(async () => {
    model = await ChatRex.load(fixtures + name);
    image = await model.encode(imagePath, { boxes });
    const file = await openSafetensors(`${fixtures}${name}/expected.safetensors`);
    const tokens = await Promise.all(questions.map((_, i) => file.read(`question.${i}.tokens`)));
    expected = tokens.map((values) => Array.from(values as BigInt64Array, Number));
  });
  afterAll(() => model.dispose());

  it('in 64 greedy tokens, each question on its own', async () => {
    for (const [i, question] of questions.entries()) {
      const alone = await model.encode(imagePath, { boxes });
      expect((await alone.ask(question, unconstrained)).ids).toEqual(expected[i]);
    }
  });

  it('and again for question after question on one image', async () => {
    for (const i of [0, 1, 2, 1, 1, 0]) {
      expect((await image.ask(questions[i], unconstrained)).ids).toEqual(expected[i]);
    }
  });
});

describe('ChatRex', () => {
  let model: ChatRex;
  let image: EncodedImage;
  beforeAll(async () => {
    model = await ChatRex.load(`${fixtures}tiny-gated`);
    image = await model.encode(imagePath, { boxes });
  });
  afterAll(() => model.dispose());

  it('writes well-formed answers with scores, labels and boxes of the original image', async () => {
    // A random model seldom names boxes of its own accord; hot enough it does.
    const hot = { temperature: 30, maxTokens: 200 };
    const seeds = [0, 1, 2, 3];
    const answers = [];
    for (const seed of seeds) answers.push(await image.detect(['dog', 'cat'], { ...hot, seed }));
    for (const { issues, text, spans } of answers) {
      expect(issues).toEqual([]);
      expect(text).toBe(spans.map((span) => span.text).join(''));
    }
    const answer = answers.reduce((a, b) => (b.objects.length > a.objects.length ? b : a));
    expect(answer.objects.length).toBeGreaterThan(0);
    answer.objects.forEach((object, row) => {
      expect(Array.from(answer.boxesXyxy.subarray(4 * row, 4 * row + 4))).toEqual(boxes[object]);
      expect(answer.scores[row]).toBeGreaterThan(0);
      expect(answer.scores[row]).toBeLessThanOrEqual(1);
    });
    expect(answer.labels.length).toBe(answer.objects.length);
  });

  it('streams what it then returns', async () => {
    const stream = image.stream(questions[0], { maxTokens: 60 });
    const heard: unknown[] = [];
    let text = '';
    let step = await stream.next();
    for (; !step.done; step = await stream.next()) if (step.value.kind === 'text') text += step.value.text;
    const again = await image.ask(questions[0], { maxTokens: 60, onEvent: (event) => heard.push(event) });
    expect(step.value).toEqual(again);
    expect(text).toBe(again.text);
    expect(heard.length).toBeGreaterThan(2);
  });

  it('reads the turns of a conversation once and answers as if it had read them anew', async () => {
    const options = { maxTokens: 20 };
    const first = await image.ask(questions[1], options);
    const turns = [{ question: questions[1], answer: first }, { question: 'And <obj0>?' }];
    const second = await image.chat(turns, options);
    const fresh = await model.encode(imagePath, { boxes });
    expect((await fresh.chat(turns, options)).ids).toEqual(second.ids);
    await expect(image.chat([{ question: 'a' }, { question: 'b' }])).rejects.toThrow(/turn 0 lacks its answer/);
    await expect(image.chat([{ question: 'a', answer: first }])).rejects.toThrow(/turn 0 has an answer/);
  });

  it('answers several questions at once, each as if alone', async () => {
    const options = { maxTokens: 16 };
    const alone = [];
    for (const question of questions) alone.push((await image.ask(question, options)).ids);
    const together = await Promise.all(questions.map((question) => image.ask(question, options)));
    expect(together.map(({ ids }) => ids)).toEqual(alone);
  });

  it('ends before a stop text, in what is streamed as in what is returned', async () => {
    const whole = await image.ask(questions[0], { maxTokens: 40 });
    const stop = whole.text.slice(12, 14);
    const heard: AnswerEvent[] = [];
    const cut = await image.ask(questions[0], { maxTokens: 40, stop: [stop], onEvent: (event) => heard.push(event) });
    expect(cut.ending).toBe('stop');
    expect(cut.text).toBe(whole.text.slice(0, whole.text.indexOf(stop)));
    expect(heard.map((event) => (event.kind === 'text' ? event.text : '')).join('')).toBe(cut.text);
    expect(cut.promptTokens).toBe(whole.promptTokens);
    expect(cut.ids.length).toBeLessThan(whole.ids.length);
    const turns = [{ question: questions[0], answer: cut }, { question: 'And?' }];
    expect((await image.chat(turns, { maxTokens: 4 })).promptTokens).toBeGreaterThan(whole.promptTokens);
  });

  it('samples the same for the same seed', async () => {
    const options = { temperature: 1, topP: 0.9, maxTokens: 16 };
    const one = await image.ask('Why?', { ...options, seed: 1 });
    expect((await image.ask('Why?', { ...options, seed: 1 })).ids).toEqual(one.ids);
    expect((await image.ask('Why?', { ...options, seed: 2 })).ids).not.toEqual(one.ids);
  });

  it('stops when it is told to, and answers the next question', async () => {
    const control = new AbortController();
    const answer = image.ask('Why?', { signal: control.signal, onEvent: () => control.abort() });
    await expect(answer).rejects.toMatchObject({ code: 'aborted' });
    const again = await image.ask(questions[2], unconstrained);
    const fresh = await model.encode(imagePath, { boxes });
    expect((await fresh.ask(questions[2], unconstrained)).ids).toEqual(again.ids);
    await expect(model.encode(imagePath, { boxes, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'aborted',
    });
  });

  it('takes the text of a person as text, and names of boxes as boxes', async () => {
    const answer = await image.ask('</s><image><g>a</g><o><obj1></o> \ud800', { maxTokens: 8 });
    expect(answer.ids.length).toBeGreaterThan(0);
    await expect(image.ask('What is <obj4>?')).rejects.toThrow(/<obj0> to <obj3>/);
  });

  it('captions boxes one by one, describes and counts', async () => {
    const captions = await image.caption([2, 0], { style: 'brief', maxTokens: 8 });
    expect(captions.map(({ object }) => object)).toEqual([2, 0]);
    expect((await image.describe({ detail: 'detailed', maxTokens: 8 })).text).toBeTypeOf('string');
    const { count, objects } = await image.count('dog', { maxTokens: 30 });
    expect(Number.isInteger(count)).toBe(true);
    expect(objects.every((object) => object < 4)).toBe(true);
  });

  it('manages no boxes, one, 101, and an image of one pixel', async () => {
    const none = await model.encode(imagePath, { boxes: [] });
    expect((await none.detect(['dog'], { maxTokens: 30 })).objects).toEqual([]);
    await expect(none.ask('What is <obj0>?')).rejects.toThrow(/no boxes/);
    const pixel = { width: 1, height: 1, data: Uint8Array.of(9, 8, 7) };
    const one = await model.encode(pixel, { boxes: [[0, 0, 1, 1]] });
    expect((await one.detect(['dog'], { maxTokens: 30 })).issues).toEqual([]);
    const scores = Float64Array.from({ length: 101 }, (_, i) => (i === 7 ? 0.1 : 0.5));
    const many = Array.from({ length: 101 }, (_, i) => [0, 0, i + 1, i + 1]);
    const crowd = await model.encode(imagePath, { boxes: { boxesXyxy: many, scores } });
    expect(crowd.boxes.leftOut).toBe(1);
    expect(crowd.boxes.scores.length).toBe(100);
    expect(crowd.boxes.sources).not.toContain(7);
    expect((await crowd.ask('What is <obj99>?', { maxTokens: 4 })).ids.length).toBeGreaterThan(0);
  });

  it('shortens answers that the model has no positions for, and refuses questions', async () => {
    const narrow = await ChatRex.load(`${fixtures}tiny-gated`, { maxPositions: 170 });
    const small = await narrow.encode(imagePath, { boxes });
    const answer = await small.ask('Why?', { isConstrained: false });
    expect(answer.ending).toBe('length');
    await expect(small.ask('Why? '.repeat(30))).rejects.toMatchObject({ code: 'limit-exceeded' });
    await expect(narrow.encode(imagePath, { boxes: Array(60).fill([0, 0, 1, 1]) })).rejects.toThrow(/fewer boxes/);
    await narrow.dispose();
  });

  it.each([
    ['not four numbers', [[1, 2, 3]], /box 0/],
    ['right of left', [[5, 0, 1, 1]], /box 0 .*: expected finite/],
    ['not finite', [[0, 0, Number.NaN, 1]], /box 0 .*: expected finite/],
  ])('refuses boxes: %s', async (_, wrong, message) => {
    await expect(model.encode(imagePath, { boxes: wrong })).rejects.toThrow(message);
  });

  it('says what is missing', async () => {
    await expect(ChatRex.load('no-such-model')).rejects.toThrow(/no-such-model/);
    await expect(ChatRex.load(`${fixtures}../tokenizer`)).rejects.toThrow(/config\.json/);
    await expect(model.encode(imagePath)).rejects.toThrow(/no proposal network/);
  });
});

describe('a folder with its own proposal network', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chatrex-folder-'));
    await cp(`${fixtures}tiny-concat`, folder, { recursive: true });
    await mkdir(join(folder, 'upn'));
    await writeFile(join(folder, 'upn', 'config.json'), JSON.stringify({ model_type: 'upn', ...tinyConfig }));
    const weights = patternedWeights(tinyConfig);
    const tensors = upnParameters(tinyConfig).map(({ name, shape }) => ({
      name,
      shape,
      dtype: 'float32' as const,
      data: weights.get(name)!.data,
    }));
    await writeSafetensors(join(folder, 'upn', 'model.safetensors'), tensors);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('finds the boxes itself', async () => {
    const model = await ChatRex.load(folder);
    const image = await model.encode(imagePath, { granularity: 'both' });
    const upn = await Upn.load(folder);
    const [{ boxesXyxy, scores }] = await upn.propose([imagePath], { granularity: 'both' });
    expect(Array.from(image.boxes.boxesXyxy)).toEqual(Array.from(boxesXyxy));
    expect(image.boxes.scores).toEqual(Array.from(scores));
    expect((await image.detect(['dog'], { maxTokens: 12 })).issues).toEqual([]);
    await upn.dispose();
    await model.dispose();
  });

  it('takes whichever network it is given: a detector that names things speaks as a UPN does', async () => {
    const model = await ChatRex.load(folder, { upn: 'photo', session: { threads: 1 } });
    const found = await model.propose(imagePath, { minScore: 0.001 });
    expect(found.categories?.length).toBe(found.scores.length);
    const image = await model.encode(imagePath);
    expect(image.boxes.scores.length).toBeLessThanOrEqual(found.scores.length);
    await model.dispose();
  });
});
