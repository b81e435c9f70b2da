/**
 * Whether questions about one image are written faster together than one after the other or two at once.
 *
 *     npx tsx bench/batching.ts [--model nano] [--rows 4] [--tokens 20] [--rounds 9]
 *
 * Every round times all ways in turn, so that what else the machine does falls on all of them; medians of ratios to one
 * after the other are printed. The image is a prefix of noise as long as a scene's; no constraint, no words: the engine
 * alone.
 */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { languageConfig, parseChatRexConfig } from '../src/chatrex/config.ts';
import { splitTensors } from '../src/chatrex/weights.ts';
import { generate } from '../src/language/generate.ts';
import type { KvCache } from '../src/language/kv-cache.ts';
import { createLanguageModel, readConfig } from '../src/language/load.ts';
import { createRandom } from '../src/random.ts';
import { hostTensor } from '../src/runtime/host-tensor.ts';
import { openCheckpoint } from '../src/weights/checkpoint.ts';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', default: fileURLToPath(new URL('../models/nano', import.meta.url)) },
    rows: { type: 'string', default: '4' },
    tokens: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '9' },
  },
});
const rows = Number(options.rows);
const maxTokens = Number(options.tokens);
const questionTokens = 20;
const prefixTokens = 128;

const config = parseChatRexConfig(await readConfig(options.model));
const tensors = splitTensors(await openCheckpoint(join(options.model)), config);
const linearFormat = config.quantization?.language ?? 'float';
const language = await createLanguageModel(tensors.language, languageConfig(config), linearFormat);
const random = createRandom('batching');
const noise = (tokens: number) => {
  const { hiddenSize } = language.config;
  const values = Float32Array.from({ length: tokens * hiddenSize }, () => random.next() - 0.5);
  return hostTensor('float32', [tokens, hiddenSize], values);
};
const capacity = prefixTokens + questionTokens + maxTokens + 1;
const prefix = language.createCache({ capacity });
await language.read(prefix, 0, noise(prefixTokens));
const questions = Array.from({ length: rows }, () => noise(questionTokens));

async function write(cache: KvCache, first: number, count: number): Promise<void> {
  const logits = [];
  for (let row = 0; row < count; row++) logits.push(await language.read(cache, row, questions[first + row]));
  for await (const _ of generate(language, cache, logits, { maxTokens, stopIds: [] }));
}

const ways = {
  'one after the other': async () => {
    for (let i = 0; i < rows; i++) await write(prefix.fork([0], capacity), i, 1);
  },
  'two at once': async () => {
    let next = 0;
    const worker = async () => {
      while (next < rows) await write(prefix.fork([0], capacity), next++, 1);
    };
    await Promise.all([worker(), worker()]);
  },
  together: () => write(prefix.fork(new Array(rows).fill(0), capacity), 0, rows),
};

const ratios = new Map<string, number[]>();
for (let round = 0; round <= Number(options.rounds); round++) {
  let base = 0;
  for (const [name, way] of Object.entries(ways)) {
    const start = performance.now();
    await way();
    const took = performance.now() - start;
    base ||= took;
    // The first round warms up.
    if (round > 0) ratios.set(name, [...(ratios.get(name) ?? []), base / took]);
  }
}
console.log(
  `${rows} questions of ${questionTokens} tokens, answers of ${maxTokens}: times as fast as one after the other`,
);
for (const [name, values] of ratios) {
  values.sort((a, b) => a - b);
  console.log(`  ${name.padEnd(20)} ${values[Math.floor(values.length / 2)].toFixed(2)}`);
}
await language.dispose();
