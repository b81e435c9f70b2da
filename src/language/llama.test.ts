import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { createScope } from '../nn/scope.ts';
import { hostTensor } from '../runtime/host-tensor.ts';
import { Session } from '../runtime/session.ts';
import { input } from '../tensor/ops/input.ts';
import { openCheckpoint } from '../weights/checkpoint.ts';
import { generate } from './generate.ts';
import type { LanguageModel } from './language-model.ts';
import { llama } from './llama.ts';
import { parseLlamaConfig } from './llama-config.ts';
import { languageWeights, loadLanguageModel, readConfig } from './load.ts';

interface Case {
  prompt: number[];
  hidden: number[];
  greedy: number[];
}

const folderOf = (name: string) => new URL(`../../fixtures/language/${name}`, import.meta.url).pathname;
const casesOf = (name: string): Case[] => JSON.parse(readFileSync(`${folderOf(name)}/expected.json`, 'utf8')).cases;

/** The model without a cache: whole texts in, hidden states and logits out. */
async function wholeTexts(name: string) {
  const config = parseLlamaConfig(await readConfig(folderOf(name)));
  const model = llama(createScope(), config);
  const hidden = model.forward(model.embed(input('ids', 'int64', ['batch', 'sequence'])));
  const weights = languageWeights((await openCheckpoint(folderOf(name))).tensors, config, 'float');
  const session = await Session.create({ hidden, logits: model.logits(hidden) }, weights);
  return { config, session };
}

const padded = (texts: number[][]) => {
  const length = Math.max(...texts.map((text) => text.length));
  const ids = texts.flatMap((text) => [...text, ...new Array<number>(length - text.length).fill(1)]);
  return hostTensor('int64', [texts.length, length], ids);
};

const ids = async (tokens: AsyncIterable<{ row: number; id: number }>, rows = 1) => {
  const result: number[][] = Array.from({ length: rows }, () => []);
  for await (const { row, id } of tokens) result[row].push(id);
  return result;
};

const untilFull = { maxTokens: 64, stopIds: [] };

describe.each(['vicuna', 'qwen2', 'llama3'])('%s agrees with transformers', (name) => {
  const cases = casesOf(name);
  let loaded: Promise<LanguageModel> | undefined;
  const load = () => {
    loaded ??= loadLanguageModel(folderOf(name));
    return loaded;
  };
  const readAll = async (model: LanguageModel, prompts: number[][]) => {
    const cache = model.createCache({ batch: prompts.length, capacity: 96 });
    const logits: Float32Array[] = [];
    for (const [row, prompt] of prompts.entries()) logits.push(await model.read(cache, row, await model.embed(prompt)));
    return { cache, logits };
  };
  afterAll(async () => (await loaded)?.dispose());

  it('in hidden states, in a padded batch', async () => {
    const { config, session } = await wholeTexts(name);
    const batch = padded(cases.map(({ prompt }) => prompt));
    const { hidden } = await session.run({ ids: batch });
    cases.forEach(({ prompt, hidden: expected }, row) => {
      const start = row * batch.shape[1] * config.hiddenSize;
      const ours = hidden.data.subarray(start, start + prompt.length * config.hiddenSize);
      const errors = expected.map((value, i) => Math.abs(value - Number(ours[i])));
      expect(Math.max(...errors)).toBeLessThan(1e-3);
    });
    await session.dispose();
  });

  it('in 64 greedy tokens without a cache, in a padded batch', async () => {
    const { config, session } = await wholeTexts(name);
    const texts = cases.map(({ prompt }) => [...prompt]);
    for (let step = 0; step < 64; step++) {
      const batch = padded(texts);
      const { logits } = await session.run({ ids: batch });
      texts.forEach((text, row) => {
        const start = (row * batch.shape[1] + text.length - 1) * config.vocabSize;
        const last = Array.from(logits.data.subarray(start, start + config.vocabSize), Number);
        text.push(last.indexOf(Math.max(...last)));
      });
    }
    expect(texts).toEqual(cases.map(({ prompt, greedy }) => [...prompt, ...greedy]));
    await session.dispose();
  });

  it('in 64 greedy tokens with a cache, alone', async () => {
    const model = await load();
    for (const { prompt, greedy } of cases) {
      const { cache, logits } = await readAll(model, [prompt]);
      expect(await ids(generate(model, cache, logits, untilFull))).toEqual([greedy]);
    }
  });

  it('in 64 greedy tokens with a cache, in a batch of different lengths', async () => {
    const model = await load();
    const { cache, logits } = await readAll(
      model,
      cases.map(({ prompt }) => prompt),
    );
    const tokens = await ids(generate(model, cache, logits, untilFull), cases.length);
    expect(tokens).toEqual(cases.map(({ greedy }) => greedy));
  });

  it('in 64 greedy tokens after a prefix that is kept, rewound or copied', async () => {
    const model = await load();
    const { prompt, greedy } = cases[2];
    const { cache } = await readAll(model, [prompt.slice(0, 8)]);
    const question = await model.embed(prompt.slice(8));
    for (let turn = 0; turn < 2; turn++) {
      const logits = await model.read(cache, 0, question);
      expect(await ids(generate(model, cache, [logits], untilFull))).toEqual([greedy]);
      cache.rewind(8);
    }
    const copies = cache.fork([0, 0], 90);
    const logits = [await model.read(copies, 0, question), await model.read(copies, 1, question)];
    expect(await ids(generate(model, copies, logits, untilFull), 2)).toEqual([greedy, greedy]);
  });
});
