import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { languageParameters } from '../language/load.ts';
import { matchParameters } from '../weights/match.ts';
import { parameterName, unusedTensors } from './checkpoint-names.ts';
import { type ChatRexPreset, chatRexPresets, imageTokenCount, languageConfig, parseChatRexConfig } from './config.ts';
import { visionParameters } from './weights.ts';

type Grouped = Record<string, Record<string, string[]>>;
const released: Grouped = JSON.parse(
  readFileSync(new URL('../../fixtures/chatrex/released-names.json', import.meta.url), 'utf8'),
);

/** Name -> shape, by the names of our parameters. */
const tensorsOf = (model: string) =>
  new Map(
    Object.entries(released[model]).flatMap(([shape, names]) =>
      names.map((name) => [parameterName(name), { shape: shape.split(',').map(Number) }] as const),
    ),
  );

const presets = Object.keys(chatRexPresets) as ChatRexPreset[];
const count = (parameters: readonly { shape: readonly number[] }[]) =>
  parameters.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);

describe('presets', () => {
  it.each(presets)('%s is what parsing its own JSON gives', (name) => {
    const config = chatRexPresets[name];
    expect(parseChatRexConfig(JSON.parse(JSON.stringify({ model_type: 'chatrex', ...config })))).toEqual(config);
  });

  it('have the sizes that are known', () => {
    expect(imageTokenCount(chatRexPresets.nano)).toBe(64);
    expect(imageTokenCount(chatRexPresets['chatrex-7b'])).toBe(576);
    const nano = chatRexPresets.nano;
    const millions = (count(visionParameters(nano)) + count(languageParameters(languageConfig(nano), 'float'))) / 1e6;
    expect(millions).toBeGreaterThan(3);
    expect(millions).toBeLessThan(7);
  });

  it('declare exactly the tensors of the released RexSeek-3B', () => {
    const config = chatRexPresets['rexseek-3b'];
    const declared = [...visionParameters(config), ...languageParameters(languageConfig(config), 'float')];
    const ignore = [...unusedTensors(config), /^lm_head\.weight$/];
    matchParameters(declared, tensorsOf('rexseek-3b'), { ignore });
    // What is let pass is one CLIP layer, the norm after it and the tied copy of the embeddings: nothing else.
    const names = new Set(declared.map(({ name }) => name));
    const unused = [...tensorsOf('rexseek-3b').keys()].filter((name) => !names.has(name));
    expect(unused.length).toBe(16 + 2 + 1);
  });

  it('declare exactly the language model of the released 7B', () => {
    const declared = languageParameters(languageConfig(chatRexPresets['chatrex-7b-released']), 'float');
    matchParameters(declared, tensorsOf('chatrex-7b language'));
    expect(count(declared)).toBeGreaterThan(6.7e9);
  });
});

describe('parseChatRexConfig', () => {
  it('reads the configuration of the released RexSeek', () => {
    const json = { model_type: 'rexseek_qwen', vocab_size: 151_800, tie_word_embeddings: false, mm_hidden_size: 2560 };
    const config = parseChatRexConfig(json);
    expect(config).toMatchObject({ fusion: 'concat', dialect: 'release', chatFormat: 'chatml', imageSize: 768 });
    expect(languageConfig(config)).toMatchObject({ vocabSize: 151_800, tieWordEmbeddings: false, hasQkvBias: true });
  });

  it('reads the configuration of the released ChatRex, whose defaults are left out', () => {
    const json = { model_type: 'chatrex', text_config: { vocab_size: 32_104 }, prefixes: { 'llm.': '' } };
    const config = parseChatRexConfig(json);
    expect(config).toMatchObject({ fusion: 'concat', dialect: 'release', chatFormat: 'vicuna' });
    expect(languageConfig(config)).toMatchObject({ hiddenSize: 4096, numHiddenLayers: 32, vocabSize: 32_104 });
    expect(parameterName('llm.model.norm.weight', config.prefixes)).toBe('model.norm.weight');
  });

  it('reads the names that earlier versions gave to what is ours', () => {
    const { extensions, ...rest } = chatRexPresets.nano;
    const old = { objectsCarryIndex: true, objectsCarryPlace: true, visionTokenScale: 0.15 };
    const lists = { listsInAnyOrder: true, listThreshold: 0.35 };
    expect(parseChatRexConfig({ model_type: 'chatrex', ...rest, ...old, ...lists })).toEqual(chatRexPresets.nano);
    expect(parseChatRexConfig({ model_type: 'chatrex', ...rest, ...lists }).extensions).toEqual({
      setLists: extensions.setLists,
    });
    const before = { ...extensions, setLists: { threshold: 0.35 } };
    expect(parseChatRexConfig({ model_type: 'chatrex', ...rest, extensions: before })).toEqual(chatRexPresets.nano);
    expect(() => parseChatRexConfig({ model_type: 'chatrex', ...rest, objectsCarryPlace: true })).toThrow(
      /objectsCarryPlace needs objectsCarryIndex/,
    );
  });

  const nano = { model_type: 'chatrex', ...chatRexPresets.nano };
  it.each([
    [{ model_type: 'llava' }, /expected model_type 'chatrex'/],
    [undefined, /expected model_type 'chatrex'/],
    [{ ...nano, fusion: 'sum' }, /config\.json: fusion/],
    [{ ...nano, low: { ...nano.low, patchSize: 0 } }, /config\.json: low\.patchSize/],
    [{ ...nano, imageSize: 512 }, /as many tokens; low gives 64, high 16x16/],
    [{ ...nano, language: { model_type: 'gpt2' } }, /config\.json/],
    [{ ...nano, quantization: { language: 'int2' } }, /quantization\.language/],
  ])('refuses %j', (json, message) => {
    expect(() => parseChatRexConfig(json)).toThrow(message);
  });
});
