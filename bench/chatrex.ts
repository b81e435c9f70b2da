/**
 * A whole ChatRex of the released size on this machine: time to the first word of a first and of a second question
 * about a image, and memory.
 *
 *     npx tsx bench/chatrex.ts [--preset chatrex-7b] [--boxes 40] [--tokens 16]
 *     npx tsx bench/chatrex.ts --folder models/photo       a model that is there
 *
 * Weights are random, int4 for the language model and int8 for the encoders, and written to a temporary folder first
 * (4.7 GB). The boxes are given; the proposal network has its own benchmark. There is nothing to compare with: the
 * official model needs CUDA.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chatRexPresets, languageConfig, parseChatRexConfig } from '../src/chatrex/config.ts';
import { visionParameters } from '../src/chatrex/weights.ts';
import { ChatRex } from '../src/chatrex.ts';
import { languageParameters } from '../src/language/load.ts';
import { writeShardedSafetensors } from '../src/weights/sharded-writer.ts';
import { randomWeights } from './language-folder.ts';

const { values: options } = parseArgs({
  options: {
    preset: { type: 'string', default: 'chatrex-7b' },
    boxes: { type: 'string', default: '40' },
    tokens: { type: 'string', default: '16' },
    folder: { type: 'string' },
  },
});
const pathOf = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

if (options.folder) await ask(options.folder);
else await makeAndAsk();

/** The model answers in a process of its own, so that its memory is its own. */
async function makeAndAsk(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'chatrex-bench-'));
  try {
    const preset = chatRexPresets[options.preset as keyof typeof chatRexPresets];
    const quantization = { language: 'int4', vision: 'int8' };
    // The bundled tokenizer knows the bundled model's way of marking turns.
    const json = { model_type: 'chatrex', ...preset, dialect: 'paper', chatFormat: 'nano', quantization };
    const config = parseChatRexConfig(json);
    const parameters = [...visionParameters(config), ...languageParameters(languageConfig(config), 'int4')];
    await writeShardedSafetensors(folder, randomWeights(parameters), 5e9);
    await writeFile(join(folder, 'config.json'), JSON.stringify(json));
    await copyFile(pathOf('../models/nano/tokenizer.json'), join(folder, 'tokenizer.json'));
    console.log(`${options.preset}, int4 and int8`);
    const own = [...process.execArgv, ...process.argv.slice(1), '--folder', folder];
    spawnSync(process.execPath, own, { stdio: 'inherit' });
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function ask(folder: string): Promise<void> {
  const seconds = async <T>(work: () => Promise<T>): Promise<[number, T]> => {
    const start = performance.now();
    const result = await work();
    return [(performance.now() - start) / 1000, result];
  };
  const [load, model] = await seconds(() => ChatRex.load(folder, { maxPositions: 2048 }));
  const boxes = Array.from({ length: Number(options.boxes) }, (_, i) => {
    const [left, top] = [(i % 8) * 30, Math.floor(i / 8) * 40];
    return [left, top, left + 28, top + 36] as const;
  });
  const [encode, image] = await seconds(() => model.encode(pathOf('../models/nano/example/scene.png'), { boxes }));
  const question = async (text: string) => {
    const start = performance.now();
    let first: number | undefined;
    const [whole] = await seconds(() =>
      image.ask(text, {
        maxTokens: Number(options.tokens),
        onEvent: () => {
          first ??= (performance.now() - start) / 1000;
        },
      }),
    );
    return { first: first ?? whole, whole };
  };
  const [one, two] = [await question('What is <obj3>?'), await question('Where is the largest cup?')];
  const status = readFileSync('/proc/self/status', 'utf8');
  const gibibytes = (field: string) =>
    (Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 2 ** 20).toFixed(2);
  console.log(`${folder}, ${boxes.length} boxes, ${options.tokens} tokens an answer`);
  console.log(
    `  load ${load.toFixed(1)} s, image ${encode.toFixed(2)} s, ${gibibytes('VmRSS')} GiB resident after answering`,
  );
  console.log(
    `  ${gibibytes('RssAnon')} GiB of it its own, the rest mapped files; at most, from loading on, ${gibibytes('VmHWM')} GiB`,
  );
  console.log(
    `  first question: ${(encode + one.first).toFixed(2)} s to the first words with the image, whole answer ${one.whole.toFixed(1)} s`,
  );
  console.log(
    `  second question: ${two.first.toFixed(2)} s to the first words, whole answer ${two.whole.toFixed(1)} s`,
  );
  console.log(`  second / first: ${(two.first / (encode + one.first)).toFixed(3)}`);
  await model.dispose();
}
