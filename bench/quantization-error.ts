/**
 * What quantisation costs: hidden states and tokens of a language model in int8 and int4 against itself in float32.
 *
 *     npx tsx bench/quantization-error.ts [tiny|1b|FOLDER ...] [--tokens 64]
 *
 * FOLDER is a Llama, Qwen2 or ChatRex folder; a shape stands for a model with random weights, made and deleted again.
 * Columns: cosine of hidden states after the last norm, mean and least over the tokens of a text of random ids; share
 * of its positions at which the likeliest next token is the same; number of greedy tokens after it before the first
 * that differs.
 */

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { languageConfig, parseChatRexConfig } from '../src/chatrex/config.ts';
import { quantize } from '../src/chatrex/quantize.ts';
import { splitTensors } from '../src/chatrex/weights.ts';
import { writingFormat } from '../src/language/language-format.ts';
import { llama } from '../src/language/llama.ts';
import { parseLlamaConfig } from '../src/language/llama-config.ts';
import { languageWeights, parseQuantization, readConfig } from '../src/language/load.ts';
import { createScope } from '../src/nn/scope.ts';
import { hostTensor } from '../src/runtime/host-tensor.ts';
import { Session } from '../src/runtime/session.ts';
import { input } from '../src/tensor/ops/input.ts';
import { openCheckpoint } from '../src/weights/checkpoint.ts';
import { shapes, writeRandomModel } from './language-folder.ts';
import { createRandom } from './random.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { tokens: { type: 'string', default: '64' } },
});
const length = Number(options.tokens);

interface Outcome {
  hidden: Float32Array[];
  likeliest: number[];
  greedy: number[];
}

async function languageOf(folder: string) {
  const json = await readConfig(folder);
  const file = await openCheckpoint(folder);
  const { model_type: modelType } = json as { model_type: string };
  if (modelType === 'llama' || modelType === 'qwen2')
    return { config: parseLlamaConfig(json), tensors: file.tensors, json };
  const config = parseChatRexConfig(json);
  return { config: languageConfig(config), tensors: splitTensors(file, config).language, json };
}

async function run(folder: string): Promise<Outcome> {
  const { config, tensors, json } = await languageOf(folder);
  const format = parseQuantization(json).language ?? 'float';
  const model = llama(createScope().withLinearFormat(writingFormat(format)), config, { maxPositions: 2 * length });
  const hiddenStates = model.forward(model.embed(input('ids', 'int64', ['batch', 'sequence'])));
  const outputs = { hidden: hiddenStates, logits: model.logits(hiddenStates) };
  const session = await Session.create(outputs, languageWeights(tensors, config, format));
  const random = createRandom(7);
  const text = Array.from({ length }, () => Math.floor(random() * config.vocabSize));
  const rows = (data: Float32Array, width: number) =>
    Array.from({ length: data.length / width }, (_, i) => data.subarray(i * width, (i + 1) * width));
  const likeliestOf = (row: Float32Array) => row.indexOf(row.reduce((a, b) => Math.max(a, b)));
  const read = async (ids: number[]) => {
    const { hidden, logits } = await session.run({ ids: hostTensor('int64', [1, ids.length], ids) });
    const next = rows(logits.data as Float32Array, config.vocabSize).map(likeliestOf);
    return { hidden: rows(hidden.data as Float32Array, config.hiddenSize), next };
  };
  const { hidden, next } = await read(text);
  const greedy = [next[length - 1]];
  while (greedy.length < length) greedy.push((await read([...text, ...greedy])).next.at(-1)!);
  await session.dispose();
  return { hidden, likeliest: next, greedy };
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return ab / Math.sqrt(aa * bb);
}

async function compare(name: string, folder: string, work: string): Promise<void> {
  const expected = await run(folder);
  for (const language of ['int8', 'int4'] as const) {
    const smaller = join(work, language);
    await quantize(folder, smaller, { language });
    const { hidden, likeliest, greedy } = await run(smaller);
    await rm(smaller, { recursive: true });
    const cosines = hidden.map((row, i) => cosine(row, expected.hidden[i]));
    const mean = cosines.reduce((sum, value) => sum + value) / length;
    const same = likeliest.filter((id, i) => id === expected.likeliest[i]).length / length;
    const first = greedy.findIndex((id, i) => id !== expected.greedy[i]);
    const cells = [
      mean.toFixed(5),
      Math.min(...cosines).toFixed(5),
      same.toFixed(3),
      String(first < 0 ? length : first),
    ];
    console.log(`${name} ${language}`.padEnd(24) + cells.map((cell) => cell.padStart(12)).join(''));
  }
}

const work = await mkdtemp(join(tmpdir(), 'chatrex-bench-'));
try {
  console.log(
    ''.padEnd(24) + ['cosine', 'least', 'same next', `of ${length}`].map((cell) => cell.padStart(12)).join(''),
  );
  for (const name of positionals.length > 0 ? positionals : ['tiny']) {
    const isShape = Object.hasOwn(shapes, name);
    const folder = isShape ? join(work, name) : name;
    if (isShape) {
      await mkdir(folder);
      await writeRandomModel(folder, name as keyof typeof shapes, 'bfloat16');
    }
    await compare(basename(name), folder, work);
  }
} finally {
  await rm(work, { recursive: true });
}
