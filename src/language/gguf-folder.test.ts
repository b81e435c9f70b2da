import { readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { loadTokenizer } from '../prompt/tokenizer/load-tokenizer.ts';
import { openCheckpoint } from '../weights/checkpoint.ts';
import { encodeGguf, type GgufTensorToEncode } from '../weights/testing/gguf.ts';
import { useScratchFolder } from '../weights/testing/support.ts';
import { generate } from './generate.ts';
import { writeGgufFolder } from './gguf-folder.ts';
import { loadLanguageModel } from './load.ts';

const scratch = useScratchFolder();
const fixture = new URL('../../fixtures/language/vicuna', import.meta.url).pathname;
const heads = 3;

/** Names as llama.cpp has them. */
function storedName(name: string): string {
  const top: Record<string, string> = {
    'model.embed_tokens.weight': 'token_embd.weight',
    'model.norm.weight': 'output_norm.weight',
    'lm_head.weight': 'output.weight',
  };
  const parts: Record<string, string> = {
    input_layernorm: 'attn_norm',
    'self_attn.q_proj': 'attn_q',
    'self_attn.k_proj': 'attn_k',
    'self_attn.v_proj': 'attn_v',
    'self_attn.o_proj': 'attn_output',
    post_attention_layernorm: 'ffn_norm',
    'mlp.gate_proj': 'ffn_gate',
    'mlp.up_proj': 'ffn_up',
    'mlp.down_proj': 'ffn_down',
  };
  const [, layer, part] = /^model\.layers\.(\d+)\.(.*)\.weight$/.exec(name) ?? [];
  return layer === undefined ? top[name] : `blk.${layer}.${parts[part]}.weight`;
}

/** Rows of a head that a rotation turns together side by side, as llama.cpp orders them. */
function inPairs(values: Float32Array, rows: number): Float32Array {
  const columns = values.length / rows;
  const half = rows / heads / 2;
  const order = Array.from({ length: rows }, (_, row) => {
    const [head, inside] = [Math.floor(row / (2 * half)), row % (2 * half)];
    return head * 2 * half + (inside % 2) * half + Math.floor(inside / 2);
  });
  return Float32Array.from(order.flatMap((from) => [...values.subarray(from * columns, (from + 1) * columns)]));
}

const pieces = ['<s>', '<|end|>', '</s>', ...Array.from({ length: 93 }, (_, i) => String.fromCharCode(33 + i))].map(
  (piece, id) => (id === 95 ? 'Ġ' : piece),
);
const metadata = {
  'general.architecture': 'llama',
  'llama.block_count': 2,
  'llama.context_length': 256,
  'llama.embedding_length': 48,
  'llama.feed_forward_length': 64,
  'llama.attention.head_count': heads,
  'llama.attention.layer_norm_rms_epsilon': 1e-5,
  'llama.rope.dimension_count': 16,
  'tokenizer.ggml.model': 'gpt2',
  'tokenizer.ggml.pre': 'smollm',
  'tokenizer.ggml.tokens': pieces,
  'tokenizer.ggml.token_type': pieces.map((_, id) => (id < 3 ? 3 : 1)),
  'tokenizer.ggml.merges': ['1 2', 'a b'],
  'tokenizer.ggml.bos_token_id': 0,
  'tokenizer.ggml.eos_token_id': 2,
};

async function storedModel(name: string, changed: Record<string, unknown> = {}): Promise<string> {
  const file = await openCheckpoint(fixture);
  const tensors: GgufTensorToEncode[] = [];
  for (const { name: parameter, shape } of file.tensors.values()) {
    const values = await file.readFloat32(parameter);
    const isTurned = /[qk]_proj/.test(parameter);
    const ordered = isTurned ? inPairs(values, shape[0]) : values;
    tensors.push({
      name: storedName(parameter),
      type: 'F32',
      shape,
      bytes: new Uint8Array(Float32Array.from(ordered).buffer),
    });
  }
  const path = scratch(`${name}.gguf`);
  await writeFile(path, encodeGguf({ ...metadata, ...changed } as never, tensors));
  return path;
}

test('a model that went through the format writes what transformers made it write', async () => {
  const folder = scratch('folder');
  await writeGgufFolder(await storedModel('whole'), folder, { dtype: 'float32', maxShardBytes: 40_000 });
  const model = await loadLanguageModel(folder, { session: { threads: 1 } });
  const { cases } = JSON.parse(await readFile(`${fixture}/expected.json`, 'utf8'));
  for (const { prompt, greedy } of cases as { prompt: number[]; greedy: number[] }[]) {
    const cache = model.createCache({ capacity: prompt.length + greedy.length });
    const logits = await model.read(cache, 0, await model.embed(prompt));
    const ids: number[] = [];
    const options = { maxTokens: greedy.length, temperature: 0, stopIds: [] };
    for await (const { id } of generate(model, cache, [logits], options)) ids.push(id);
    expect(ids).toEqual(greedy);
  }
  await model.dispose();
});

test('its tokenizer merges inside of words, and takes every numeral for itself', async () => {
  const folder = scratch('tokens');
  await writeGgufFolder(await storedModel('tokens'), folder);
  const tokenizer = await loadTokenizer(folder);
  const id = (piece: string) => pieces.indexOf(piece);
  expect(tokenizer.encode('12 3')).toEqual(['1', '2', 'Ġ', '3'].map(id));
  expect(tokenizer.decode(tokenizer.encode('x-1 (y)'))).toBe('x-1 (y)');
  expect(tokenizer.specialId('</s>')).toBe(2);
});

test.each([
  ['another architecture', { 'general.architecture': 'gemma' }, 'unsupported', /general\.architecture.*gemma/],
  ['another vocabulary', { 'tokenizer.ggml.model': 'bert' }, 'unsupported', /tokenizer\.ggml\.model/],
  ['scaled positions', { 'llama.rope.scaling.type': 'yarn' }, 'unsupported', /scaling/],
  ['types that do not fit the tokens', { 'tokenizer.ggml.token_type': [1] }, 'invalid-file', /96 tokens/],
])('%s is refused, and no folder is left', async (name, changed, code, message) => {
  const folder = scratch(`refused ${name}`);
  const writing = writeGgufFolder(await storedModel('refused', changed), folder);
  await expect(writing).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  await expect(readFile(`${folder}/config.json`)).rejects.toThrow();
});

test('a folder that exists is left alone', async () => {
  await expect(writeGgufFolder(await storedModel('again'), scratch('.'))).rejects.toMatchObject({
    code: 'invalid-argument',
  });
});
