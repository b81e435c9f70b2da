/** Folders of Llama models with random weights, for benchmarks: the sizes of real ones, without their downloads. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseLlamaConfig } from '../src/language/llama-config.ts';
import { languageParameters } from '../src/language/load.ts';
import { byteSize } from '../src/tensor/dtype.ts';
import type { ParameterAttributes } from '../src/tensor/ops/parameter.ts';
import { float32ToBfloat16 } from '../src/weights/float16.ts';
import type { TensorToWrite } from '../src/weights/safetensors-writer.ts';
import { writeShardedSafetensors } from '../src/weights/sharded-writer.ts';
import { createRandom } from './random.ts';

const common = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_act: 'silu',
  vocab_size: 32000,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  tie_word_embeddings: false,
  max_position_embeddings: 2048,
  bos_token_id: 1,
  eos_token_id: 2,
  torch_dtype: 'bfloat16',
};

/** `1b` as TinyLlama, `7b` as Vicuna. */
export const shapes = {
  tiny: {
    ...common,
    hidden_size: 256,
    intermediate_size: 704,
    num_hidden_layers: 4,
    num_attention_heads: 8,
    num_key_value_heads: 2,
  },
  '1b': {
    ...common,
    hidden_size: 2048,
    intermediate_size: 5632,
    num_hidden_layers: 22,
    num_attention_heads: 32,
    num_key_value_heads: 4,
  },
  '7b': {
    ...common,
    hidden_size: 4096,
    intermediate_size: 11008,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    num_key_value_heads: 32,
  },
};

/** Random bytes that tensors are cut from at various places: a generator for each weight would take minutes. */
const poolElements = 2 ** 24;

/**
 * Writes config and weights: bfloat16, or for 'int4' quantised ones made directly, without a large model to start from.
 */
export async function writeRandomModel(folder: string, shape: keyof typeof shapes, format: 'bfloat16' | 'int4') {
  const json = format === 'int4' ? { ...shapes[shape], quantization: { language: 'int4' } } : shapes[shape];
  const parameters = languageParameters(parseLlamaConfig(json), format === 'int4' ? 'int4' : 'float');
  await writeShardedSafetensors(folder, randomWeights(parameters), 5e9);
  await writeFile(join(folder, 'config.json'), JSON.stringify(json));
}

/** Weights of the size that real ones have: normal, norms at one, and codes with the scales that go with them. */
export function randomWeights(parameters: readonly ParameterAttributes[]): TensorToWrite[] {
  const random = createRandom(1);
  const normal = Float32Array.from({ length: poolElements }, () => {
    return 0.02 * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  });
  const pools = {
    bfloat16: new Uint8Array(float32ToBfloat16(normal).buffer),
    uint8: Uint8Array.from({ length: poolElements }, () => Math.floor(256 * random())),
  };
  return parameters.map(({ name, shape: dims, dtype }): TensorToWrite => {
    const elements = dims.reduce((product, size) => product * size, 1);
    if (/norm[^.]*\.weight$/.test(name)) return { name, dtype: 'float32', shape: dims, data: filled(elements, 1) };
    // Nibbles spread evenly over -8..7 have a deviation of 4.6; scales bring that to the 0.02 of real weights.
    if (name.endsWith('scales')) return { name, dtype, shape: dims, data: () => filled(elements, 0.02 / 4.6) };
    if (dtype === 'uint8' || dtype === 'int8')
      return { name, dtype, shape: dims, data: () => cut(pools.uint8, elements * byteSize(dtype)) };
    return { name, dtype: 'bfloat16', shape: dims, data: () => cut(pools.bfloat16, elements * 2) };
  });
}

const filled = (elements: number, value: number): Float32Array => new Float32Array(elements).fill(value);

/** Bytes of a pool from a place that differs from tensor to tensor, round and round. */
let place = 0;
async function* cut(pool: Uint8Array, bytes: number): AsyncGenerator<Uint8Array> {
  place = (place + 7_654_322) % pool.length;
  let at = place;
  for (let left = bytes; left > 0; ) {
    const piece = pool.subarray(at, Math.min(pool.length, at + left));
    yield piece;
    left -= piece.length;
    at = 0;
  }
}
