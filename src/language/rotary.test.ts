import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseLlamaConfig } from './llama-config.ts';
import { rotaryFrequencies, rotaryTables } from './rotary.ts';

interface Golden {
  parameters: Record<string, unknown>;
  frequencies: number[];
}

const goldens: Record<string, Golden> = JSON.parse(
  readFileSync(new URL('../../fixtures/language/rotary.json', import.meta.url), 'utf8'),
);

const sizes = {
  model_type: 'llama',
  hidden_size: 128,
  intermediate_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  head_dim: 64,
  vocab_size: 8,
};

describe.each(Object.entries(goldens))('rotary embedding of type %s', (_, { parameters, frequencies }) => {
  it('has the frequencies of transformers', () => {
    const ours = rotaryFrequencies(parseLlamaConfig({ ...sizes, rope_parameters: parameters }));
    expect(ours.length).toBe(frequencies.length);
    frequencies.forEach((frequency, i) => {
      expect(Math.abs(ours[i] / frequency - 1)).toBeLessThan(1e-6);
    });
  });

  it('reads the older spelling of the configuration', () => {
    const { rope_theta, rope_type, ...rest } = parameters;
    const older = { ...sizes, rope_theta, rope_scaling: rope_type === 'default' ? null : { type: rope_type, ...rest } };
    expect(parseLlamaConfig(older)).toEqual(parseLlamaConfig({ ...sizes, rope_parameters: parameters }));
  });
});

it('turns nothing at position 0', () => {
  const config = parseLlamaConfig(sizes);
  const { cosines, sines } = rotaryTables(config, 2);
  expect([...cosines.subarray(0, 32)]).toEqual(new Array(32).fill(1));
  expect([...sines.subarray(0, 32)]).toEqual(new Array(32).fill(0));
  expect(sines[32]).toBeCloseTo(Math.sin(1), 6);
});
