/**
 * Speed and memory of language models against PyTorch, on the same weights and threads.
 *
 *     npx tsx bench/language.ts [tiny|1b|7b] [--python PATH] [--prompt 512] [--decode 32] [--runs 3]
 *         [--formats float32,int8,int4,int4+int8] [--folder FOLDER]
 *
 * `1b` has TinyLlama's shape, in float32, int8, int4 and both, and in PyTorch float32 and bfloat16 where a Python with
 * torch and transformers is given. `7b` has Vicuna's, in int4 alone, ours alone. Weights are random and written to a
 * temporary folder first (1b: 5 GB in all, 7b: 4.3 GB). Each model runs in its own process; figures are medians.
 *
 * `--formats` measures some of ours alone. `--folder` keeps the models there and finds them again, so that a call is
 * short.
 *
 * Columns: seconds to load; tokens per second reading the prompt and writing; the same as milliseconds of processor
 * time per token, all threads together, which tells more where others use the machine; seconds to the first token of a
 * first question (prompt and 32 tokens) and of a second one (32 tokens after the kept prompt); gigabytes resident at
 * the end, `own` of them without files that are mapped and can be dropped, and at most.
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { quantizedLanguageFormats } from '../src/language/language-format.ts';
import { quantizeLanguageModel } from '../src/language/quantize.ts';
import { type shapes, writeRandomModel } from './language-folder.ts';
import { processorName } from './processor.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: 'string' },
    prompt: { type: 'string', default: '512' },
    decode: { type: 'string', default: '32' },
    runs: { type: 'string', default: '3' },
    formats: { type: 'string', default: 'float32,int8,int4,int4+int8' },
    folder: { type: 'string' },
  },
});
const shape = (positionals[0] ?? '1b') as keyof typeof shapes;
const sizes = [options.prompt, options.decode, options.runs];
const pathOf = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

const columns = ['load', 'read', 'write', 'readMs', 'writeMs', 'first', 'second', 'resident', 'own', 'peak'];
const show = (name: string, cells: readonly string[]) =>
  console.log(name.padEnd(18) + cells.map((cell) => cell.padStart(10)).join(''));

function measure(name: string, command: string, args: string[]): void {
  const { stdout, stderr, status } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (status !== 0) {
    console.log(`${name}: ${stderr.trim().split('\n').at(-1)}`);
    return;
  }
  const figures = JSON.parse(stdout.trim().split('\n').at(-1) as string) as Record<string, number>;
  show(
    name,
    columns.map((column) => (figures[column] === undefined ? '-' : figures[column].toFixed(2))),
  );
}

const ours = (name: string, folder: string) =>
  measure(name, process.execPath, ['--import', 'tsx', pathOf('./language-worker.ts'), folder, ...sizes]);
const theirs = (name: string, folder: string, dtype: string) => {
  if (!options.python) return;
  measure(name, options.python, [pathOf('../tools/reference/language/bench.py'), folder, dtype, ...sizes]);
};

const formats = options.formats.split(',');
const work = options.folder ?? (await mkdtemp(join(tmpdir(), 'chatrex-bench-')));
try {
  console.log(`processor: ${processorName()}`);
  console.log(`${shape}, ${availableParallelism()} threads, ${options.prompt} tokens read, ${options.decode} written`);
  show('', columns);
  const original = join(work, 'model');
  if (!existsSync(original)) {
    await mkdir(original, { recursive: true });
    await writeRandomModel(original, shape, shape === '7b' ? 'int4' : 'bfloat16');
  }
  if (shape === '7b') ours('int4', original);
  else {
    theirs('PyTorch float32', original, 'float32');
    if (formats.includes('float32')) ours('float32', original);
    theirs('PyTorch bfloat16', original, 'bfloat16');
    for (const language of quantizedLanguageFormats.filter((format) => formats.includes(format))) {
      const smaller = join(work, language);
      if (!existsSync(smaller)) await quantizeLanguageModel(original, smaller, language);
      ours(language, smaller);
      if (!options.folder) await rm(smaller, { recursive: true });
    }
  }
} finally {
  if (!options.folder) await rm(work, { recursive: true });
}
