import { describe, expect, it } from 'vitest';
import { parseLlamaConfig } from './llama-config.ts';

const vicuna = {
  model_type: 'llama',
  hidden_size: 4096,
  intermediate_size: 11008,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  vocab_size: 32000,
};

it('fills in what a configuration leaves out as transformers does', () => {
  const config = parseLlamaConfig(vicuna);
  expect(config).toMatchObject({ numKeyValueHeads: 32, headDim: 128, ropeTheta: 10000, tieWordEmbeddings: false });
});

it('gives Qwen2 biases of q, k and v alone', () => {
  const config = parseLlamaConfig({ ...vicuna, model_type: 'qwen2' });
  expect([config.hasQkvBias, config.hasOutputBias, config.hasMlpBias]).toEqual([true, false, false]);
});

describe('refuses', () => {
  it.each<[string, object, RegExp]>([
    ['another architecture', { model_type: 'mamba' }, /model_type 'mamba'/],
    ['another activation', { hidden_act: 'gelu' }, /hidden_act 'gelu'/],
    ['sliding windows', { use_sliding_window: true }, /use_sliding_window/],
    ['a rotary embedding it does not compute', { rope_scaling: { type: 'yarn', factor: 2 } }, /rope type 'yarn'/],
    ['a rotary embedding without its factor', { rope_scaling: { type: 'linear' } }, /needs factor/],
    ['sizes that are no sizes', { hidden_size: -1 }, /hidden_size/],
    ['missing sizes', { vocab_size: undefined }, /vocab_size/],
  ])('%s', (_, fields, message) => {
    expect(() => parseLlamaConfig({ ...vicuna, ...fields })).toThrow(message);
  });
});
