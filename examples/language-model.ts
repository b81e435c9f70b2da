/**
 * Trains a small causal language model (Llama's architecture) from nothing on sentences that count and add.
 *
 *     npm run example:language-model
 *
 * Expect all of the sums in 1,000 new sentences right (guessing the likeliest sum: 11 %) after less than a minute on
 * two cores (30 s of processor time). The curve of the loss is drawn in `runs/example-language-model/`.
 */

import { rm } from 'node:fs/promises';
import { llama } from '../src/language/llama.ts';
import { createScope } from '../src/nn/scope.ts';
import { createRandom } from '../src/random.ts';
import { hostTensor } from '../src/runtime/host-tensor.ts';
import { type Feeds, Session } from '../src/runtime/session.ts';
import { argMax } from '../src/tensor/ops/arg-max.ts';
import { input } from '../src/tensor/ops/input.ts';
import { slice } from '../src/tensor/ops/slice.ts';
import { crossEntropy } from '../src/training/losses.ts';
import { storedParameters } from '../src/training/parameters.ts';
import { runFeeds, runStage } from '../src/training/run.ts';
import { sentence, sentenceLength, sumPosition, words } from './counting-grammar.ts';

const folder = 'runs/example-language-model';
const batchSize = 64;

const model = llama(createScope(), {
  hiddenSize: 96,
  intermediateSize: 256,
  numHiddenLayers: 3,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  headDim: 24,
  vocabSize: words.length,
  maxPositionEmbeddings: sentenceLength,
  rmsNormEps: 1e-6,
  ropeTheta: 10000,
  ropeScaling: { type: 'default' },
  hasQkvBias: false,
  hasOutputBias: false,
  hasMlpBias: false,
  tieWordEmbeddings: false,
  eosTokenIds: [],
});

// Training: every word is predicted from those before it.
const ids = input('ids', 'int64', ['batch', sentenceLength]);
const before = slice(ids, { axis: 1, end: sentenceLength - 1 });
const loss = crossEntropy(model.logits(model.forward(model.embed(before))), slice(ids, { axis: 1, start: 1 }));

const batchOf = (sentences: readonly number[][]): Feeds => ({
  ids: hostTensor('int64', [sentences.length, sentenceLength], sentences.flat()),
});

const started = performance.now();
await rm(folder, { recursive: true, force: true });
const { parameters } = await runStage(
  {
    name: 'example-language-model',
    settings: {
      seed: 1,
      steps: 600,
      learningRate: 3e-3,
      warmupSteps: 50,
      finalRate: 0.02,
      maxNorm: 1,
      weightDecay: 0.05,
      validateEvery: 600,
    },
    graphs: [{ loss, metrics: {} }],
    makeBatch: async (step) => {
      const random = createRandom(`train ${step}`);
      return batchOf(Array.from({ length: batchSize }, () => sentence(random, false)));
    },
    run: runFeeds,
  },
  {
    folder,
    onProgress: ({ step, metrics }) => {
      if (step % 100 === 0) console.log(`step ${step}: loss ${metrics.loss.toFixed(3)}`);
    },
  },
);

// Use: the likeliest next word after a beginning of any length.
const beginning = input('beginning', 'int64', ['batch', 'length']);
const next = argMax(model.logits(model.forward(model.embed(beginning))), { axis: 2 });
const session = await Session.create({ next }, storedParameters(parameters));
async function nextWords(beginnings: readonly number[][]): Promise<number[]> {
  const length = beginnings[0].length;
  const feeds = { beginning: hostTensor('int64', [beginnings.length, length], beginnings.flat()) };
  const { data } = (await session.run(feeds)).next;
  return beginnings.map((_, i) => Number(data[(i + 1) * length - 1]));
}

const random = createRandom('test');
const tests = Array.from({ length: 1000 }, () => sentence(random, true));
const guesses = await nextWords(tests.map((test) => test.slice(0, sumPosition)));
const right = guesses.filter((guess, i) => guess === tests[i][sumPosition]).length;

const spoken = tests[0].slice(0, 2);
while (spoken.length < sentenceLength) spoken.push(...(await nextWords([spoken])));
console.log(`it says: ${spoken.map((id) => words[id]).join(' ')}`);
const seconds = (performance.now() - started) / 1000;
console.log(`${(right / 10).toFixed(1)} % of the sums in 1,000 new sentences right, after ${seconds.toFixed(0)} s`);
console.log(`curve: ${folder}/curves.png`);
await session.dispose();
