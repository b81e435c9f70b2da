import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostTensor } from '../runtime/host-tensor.ts';
import { generate } from './generate.ts';
import type { LanguageModel } from './language-model.ts';
import { loadLanguageModel } from './load.ts';

let model: LanguageModel;
beforeAll(async () => {
  model = await loadLanguageModel(new URL('../../fixtures/language/qwen2', import.meta.url).pathname);
});
afterAll(() => model.dispose());

const idsOf = async (tokens: AsyncIterable<{ id: number }>) => {
  const ids: number[] = [];
  for await (const { id } of tokens) ids.push(id);
  return ids;
};
const text = (length: number) => Array.from({ length }, (_, i) => 3 + ((i * 31) % 90));

describe('reading', () => {
  it('in stretches is reading at once', async () => {
    const embeddings = await model.embed(text(256));
    const [whole, parts] = [model.createCache({ capacity: 256 }), model.createCache({ capacity: 256 })];
    const expected = await model.read(whole, 0, embeddings);
    let logits = expected;
    for (const [start, end] of [
      [0, 1],
      [1, 100],
      [100, 256],
    ]) {
      logits = await model.read(
        parts,
        0,
        hostTensor('float32', [end - start, 64], embeddings.data.slice(start * 64, end * 64)),
      );
    }
    expect(parts.lengths).toEqual([256]);
    expect(Math.max(...expected.map((value, i) => Math.abs(value - logits[i])))).toBeLessThan(1e-4);
  });

  it('refuses what does not fit', async () => {
    const cache = model.createCache({ capacity: 4 });
    await expect(model.read(cache, 0, await model.embed(text(5)))).rejects.toThrow(/5 tokens, the cache takes 4/);
    await expect(model.read(cache, 0, await model.embed([]))).rejects.toThrow(/1 or more tokens/);
    await expect(model.embed([96])).rejects.toThrow(/token id 96 is outside the vocabulary of 96/);
    expect(() => model.createCache({ capacity: 257 })).toThrow(/256 positions/);
    expect(() => cache.rewind(1)).toThrow(/holds 0 tokens/);
    expect(cache.lengths).toEqual([0]);
  });

  it('leaves the cache as it was when cancelled', async () => {
    const cache = model.createCache({ capacity: 8 });
    await model.read(cache, 0, await model.embed(text(3)));
    const reading = model.read(cache, 0, await model.embed(text(4)), { signal: AbortSignal.abort() });
    await expect(reading).rejects.toMatchObject({ code: 'aborted' });
    expect(cache.lengths).toEqual([3]);
  });
});

describe('writing', () => {
  const start = async (capacity = 64) => {
    const cache = model.createCache({ capacity });
    const logits = await model.read(cache, 0, await model.embed(text(6)));
    return { cache, logits: [logits] };
  };

  it('samples the same with the same seed, other tokens with another', async () => {
    const sample = async (seed: number) => {
      const { cache, logits } = await start();
      return idsOf(generate(model, cache, logits, { maxTokens: 24, stopIds: [], temperature: 2, topP: 0.95, seed }));
    };
    expect(await sample(1)).toEqual(await sample(1));
    expect(await sample(1)).not.toEqual(await sample(2));
  });

  it('stops at a stop token, which it yields', async () => {
    const { cache, logits } = await start();
    const free = await idsOf(generate(model, cache, logits, { maxTokens: 12, stopIds: [] }));
    cache.rewind(6);
    const stopped = await idsOf(generate(model, cache, logits, { maxTokens: 12, stopIds: [free[4]] }));
    expect(stopped).toEqual(free.slice(0, free.indexOf(free[4]) + 1));
  });

  it('writes nothing where no tokens are asked for', async () => {
    const { cache, logits } = await start();
    expect(await idsOf(generate(model, cache, logits, { maxTokens: 0 }))).toEqual([]);
  });

  it('follows a constraint, with probabilities among what it allows', async () => {
    const { cache, logits } = await start();
    const came: number[] = [];
    const constraint = {
      mask: (values: Float32Array) => {
        for (let id = 0; id < values.length; id++) if (id % 2 === came.length % 2) values[id] = -Infinity;
      },
      push: (id: number) => {
        came.push(id);
      },
    };
    const options = { maxTokens: 10, stopIds: [], constraints: [constraint] };
    const tokens = [];
    for await (const token of generate(model, cache, logits, options)) tokens.push(token);
    expect(tokens.map(({ id }) => id)).toEqual(came);
    expect(tokens.every(({ id }, i) => id % 2 !== i % 2)).toBe(true);
    const allowed = logits[0].map((value, id) => (id % 2 === 0 ? 0 : Math.exp(value)));
    const expected = allowed[came[0]] / allowed.reduce((sum, value) => sum + value);
    expect(tokens[0].probability).toBeCloseTo(expected, 5);
  });

  it('keeps what was written when cancelled', async () => {
    const { cache, logits } = await start();
    const controller = new AbortController();
    const tokens = generate(model, cache, logits, { maxTokens: 12, stopIds: [], signal: controller.signal });
    await tokens.next();
    await tokens.next();
    controller.abort();
    await expect(tokens.next()).rejects.toMatchObject({ code: 'aborted' });
    expect(cache.lengths).toEqual([7]);
  });

  it('says so when the answer outgrows the cache', async () => {
    const { cache, logits } = await start(8);
    await expect(idsOf(generate(model, cache, logits, { maxTokens: 12, stopIds: [] }))).rejects.toMatchObject({
      code: 'limit-exceeded',
    });
  });
});
