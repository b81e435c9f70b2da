import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generate } from './generate.ts';
import type { LanguageModel } from './language-model.ts';
import { loadLanguageModel } from './load.ts';
import { StepBatch } from './step-batch.ts';

const folder = new URL('../../fixtures/language/qwen2', import.meta.url).pathname;

let model: LanguageModel;
beforeAll(async () => {
  model = await loadLanguageModel(folder);
});
afterAll(() => model.dispose());

const texts = [[3, 5, 8], [1], [9, 4, 2, 7, 7, 1, 5], [6, 6], [2, 9, 9, 1, 4]];

async function read(text: readonly number[]) {
  const cache = model.createCache({ capacity: text.length });
  return { cache, logits: await model.read(cache, 0, await model.embed(text)) };
}

async function idsOf(tokens: AsyncIterable<{ id: number }>): Promise<number[]> {
  const ids: number[] = [];
  for await (const { id } of tokens) ids.push(id);
  return ids;
}

async function alone(text: readonly number[], maxTokens: number): Promise<number[]> {
  const cache = model.createCache({ capacity: text.length + maxTokens });
  const logits = await model.read(cache, 0, await model.embed(text));
  return idsOf(generate(model, cache, [logits], { maxTokens, stopIds: [] }));
}

/** Writes in the batch, calling `onToken` with the number of tokens so far. */
async function together(
  batch: StepBatch,
  text: readonly number[],
  maxTokens: number,
  onToken: (count: number) => unknown = () => {},
): Promise<number[]> {
  const { cache, logits } = await read(text);
  const place = batch.join(cache);
  const ids: number[] = [];
  try {
    for await (const { id } of generate(place, cache, [logits], { maxTokens, stopIds: [] })) {
      ids.push(id);
      await onToken(ids.length);
    }
  } finally {
    place.leave();
  }
  expect(cache.lengths).toEqual([text.length]);
  return ids;
}

describe('StepBatch writes what each text gets alone', () => {
  it('when all begin at once and end at different times', async () => {
    const batch = new StepBatch(model, 8);
    const written = await Promise.all(texts.map((text, i) => together(batch, text, 4 + 3 * i)));
    for (const [i, text] of texts.entries()) expect(written[i]).toEqual(await alone(text, 4 + 3 * i));
  });

  it('when they join and leave on the way, and when a reader is slow', async () => {
    const batch = new StepBatch(model, 4);
    const later: Promise<number[]>[] = [];
    const first = await together(batch, texts[0], 20, (count) => {
      if (count % 4 === 0) later.push(together(batch, texts[count / 4 - 1], 6));
    });
    expect(first).toEqual(await alone(texts[0], 20));
    for (const [i, ids] of (await Promise.all(later)).entries()) expect(ids).toEqual(await alone(texts[i], 6));
    const slow = together(batch, texts[2], 5, () => new Promise((resolve) => setTimeout(resolve, 5)));
    expect(await together(batch, texts[3], 12)).toEqual(await alone(texts[3], 12));
    expect(await slow).toEqual(await alone(texts[2], 5));
  });

  it('when there are more texts than rows', async () => {
    const batch = new StepBatch(model, 2);
    const written = await Promise.all(texts.map((text) => together(batch, text, 7)));
    for (const [i, text] of texts.entries()) expect(written[i]).toEqual(await alone(text, 7));
  });

  it('when one of them fails or is given up', async () => {
    const batch = new StepBatch(model, 4);
    const failing = together(batch, texts[0], 9, (count) => {
      if (count === 3) throw new Error('gone');
    });
    const other = together(batch, texts[1], 9);
    await expect(failing).rejects.toThrow('gone');
    expect(await other).toEqual(await alone(texts[1], 9));
    expect(await together(batch, texts[4], 5)).toEqual(await alone(texts[4], 5));
  });
});

it('each row may have its own meaning of tokens', async () => {
  const batch = new StepBatch(model, 4);
  const { vocabSize } = model.config;
  const favouring = (favourite: number) => ({
    embed: (ids: readonly number[]) => model.embed(ids),
    score: (logits: Float32Array) => {
      logits[favourite] = 1e6;
    },
  });
  const write = async (text: readonly number[], favourite: number) => {
    const { cache, logits } = await read(text);
    const place = batch.join(cache);
    const options = { maxTokens: 4, stopIds: [], lexicon: favouring(favourite) };
    const ids = await idsOf(generate(place, cache, [logits], options));
    place.leave();
    return ids.slice(1);
  };
  expect(await Promise.all([write(texts[0], 1), write(texts[1], vocabSize - 1)])).toEqual([
    [1, 1, 1],
    [vocabSize - 1, vocabSize - 1, vocabSize - 1],
  ]);
});
