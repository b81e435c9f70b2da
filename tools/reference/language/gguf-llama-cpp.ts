/**
 * Compares what a GGUF model writes after `chatrex convert` with what llama.cpp writes from the file itself: the same
 * tokens, greedily, and the logarithms of the five likeliest tokens' probabilities at every place.
 *
 *     npx tsx tools/reference/language/gguf-llama-cpp.ts MODEL.gguf PYTHON
 *
 * PYTHON is one with xllamacpp. Texts are given to both as texts, so that the tokenizers are compared too. llama.cpp
 * multiplies quantised weights with activations rounded to int8, ours with floats: small differences are theirs.
 */

import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeGgufFolder } from '../../../src/language/gguf-folder.ts';
import { loadLanguageModel } from '../../../src/language/load.ts';
import { loadTokenizer } from '../../../src/prompt/tokenizer/load-tokenizer.ts';

interface Expected {
  readonly promptTokens: number;
  readonly steps: readonly { readonly id: number; readonly top: readonly (readonly [number, number])[] }[];
}

const inChat = (question: string) => `<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n`;
const prompts = [
  'The capital of France is',
  "In 1969, 2 men landed on the moon. They weren't",
  'A photograph of a man riding a',
  inChat('What is a giraffe?'),
  inChat('Name 3 things that are found in a kitchen.'),
];

const [source, python] = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), 'gguf-'));
try {
  const asked = join(folder, 'prompts.json');
  await writeFile(asked, JSON.stringify(prompts));
  const script = fileURLToPath(new URL('gguf_llama_cpp.py', import.meta.url));
  const expected = JSON.parse(String(execFileSync(python, [script, source, asked]))) as Expected[];
  await writeGgufFolder(source, join(folder, 'model'));
  const [tokenizer, model] = [
    await loadTokenizer(join(folder, 'model')),
    await loadLanguageModel(join(folder, 'model')),
  ];
  const idsOf = (text: string) =>
    text
      .split(/(<\|im_(?:start|end)\|>)/)
      .flatMap((part) => tokenizer.specialId(part) ?? tokenizer.encode(part, { isContinuation: true }));
  const differences: number[] = [];
  for (const [i, prompt] of prompts.entries()) {
    const ids = idsOf(prompt);
    const { steps, promptTokens } = expected[i];
    const cache = model.createCache({ capacity: ids.length + steps.length });
    let logits = await model.read(cache, 0, await model.embed(ids));
    const written: number[] = [];
    let same = 0;
    for (const { id, top } of steps) {
      const logs = logProbabilities(logits);
      const best = logs.indexOf(logs.reduce((a, b) => Math.max(a, b)));
      differences.push(...top.map(([token, value]) => Math.abs(logs[token] - value)));
      if (best === id) same++;
      written.push(id);
      // llama.cpp's own token is read, so that one that is chosen otherwise does not end the comparison.
      logits = await model.read(cache, 0, await model.embed([id]));
    }
    const counts = `${ids.length} tokens read (llama.cpp: ${promptTokens}), ${same} of ${steps.length} written alike`;
    process.stdout.write(`${JSON.stringify(prompt)}\n  ${counts}\n  ${JSON.stringify(tokenizer.decode(written))}\n`);
  }
  await model.dispose();
  differences.sort((a, b) => a - b);
  const at = (share: number) => differences[Math.floor(share * (differences.length - 1))].toFixed(3);
  process.stdout.write(
    `log probabilities differ by ${at(0.5)} (median), ${at(0.95)} (95 %), ${at(1)} (most of ${differences.length})\n`,
  );
} finally {
  await rm(folder, { recursive: true });
}

function logProbabilities(logits: Float32Array): Float64Array {
  const most = logits.reduce((a, b) => Math.max(a, b));
  const sum = logits.reduce((total, value) => total + Math.exp(value - most), 0);
  return Float64Array.from(logits, (value) => value - most - Math.log(sum));
}
