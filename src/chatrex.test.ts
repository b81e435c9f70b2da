import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EncodedPicture } from './chatrex/encoded-picture.ts';
import { ChatRex } from './chatrex.ts';
import { openSafetensors } from './weights/safetensors.ts';

const fixtures = new URL('../fixtures/chatrex/', import.meta.url).pathname;
const picturePath = `${fixtures}tiny-picture.png`;
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
  let picture: EncodedPicture;
  let expected: number[][];

  beforeAll(async () => {
    model = await ChatRex.load(fixtures + name);
    picture = await model.encode(picturePath, { boxes });
    const file = await openSafetensors(`${fixtures}${name}/expected.safetensors`);
    const tokens = await Promise.all(questions.map((_, i) => file.read(`question.${i}.tokens`)));
    expected = tokens.map((values) => Array.from(values as BigInt64Array, Number));
  });
  afterAll(() => model.dispose());

  it('in 64 greedy tokens, each question on its own', async () => {
    for (const [i, question] of questions.entries()) {
      const alone = await model.encode(picturePath, { boxes });
      expect((await alone.ask(question, unconstrained)).ids).toEqual(expected[i]);
    }
  });

  it('and again for question after question on one picture', async () => {
    for (const i of [0, 1, 2, 1, 1, 0]) {
      expect((await picture.ask(questions[i], unconstrained)).ids).toEqual(expected[i]);
    }
  });
});
