/** What the released checkpoints are known to hold (mixed element types, tensors of no use, paths of their authors). */

import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ChatRex } from '../chatrex.ts';
import { Upn } from '../proposals/upn.ts';
import { float32ToBfloat16, float32ToFloat16 } from '../weights/float16.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import { type TensorToWrite, writeSafetensors } from '../weights/safetensors-writer.ts';
import { expectError, useScratchFolder } from '../weights/testing/support.ts';
import { parseChatRexConfig } from './config.ts';

const scratch = useScratchFolder();
const tiny = 'fixtures/chatrex/tiny-concat';
const boxes = Float64Array.of(4, 3, 20, 30, 30, 10, 48, 20);

type Values = Omit<TensorToWrite, 'data'> & { data: Float32Array };

/** A copy of a model folder whose tensors and configuration are changed. */
async function variant(
  name: string,
  source: string,
  change: (tensor: Values) => TensorToWrite[],
  configure: (json: Record<string, unknown>) => void = () => {},
): Promise<string> {
  const folder = scratch(name);
  await cp(source, folder, { recursive: true });
  const file = await openSafetensors(join(source, 'model.safetensors'));
  const tensors: TensorToWrite[] = [];
  for (const { name, shape, dtype } of file.tensors.values()) {
    if (dtype === 'int64') continue;
    tensors.push(...change({ name, shape, dtype: 'float32', data: await file.readFloat32(name) }));
  }
  await writeSafetensors(join(folder, 'model.safetensors'), tensors);
  const json = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
  configure(json);
  await writeFile(join(folder, 'config.json'), JSON.stringify(json));
  return folder;
}

const isLanguage = (name: string) => /^(model|lm_head)\./.test(name);

async function answer(folder: string): Promise<readonly number[]> {
  const model = await ChatRex.load(folder);
  const image = await model.encode('fixtures/chatrex/tiny-image.png', { boxes });
  const { ids } = await image.ask('What is <obj1>?', { maxTokens: 8, isConstrained: false });
  await model.dispose();
  return ids;
}

test.each(['float16', 'bfloat16'] as const)(
  'encoders in float32 beside a language model in %s answer as all in float32',
  async (dtype) => {
    const half = { float16: float32ToFloat16, bfloat16: float32ToBfloat16 }[dtype];
    const { float16ToFloat32, bfloat16ToFloat32 } = await import('../weights/float16.ts');
    const whole = { float16: float16ToFloat32, bfloat16: bfloat16ToFloat32 }[dtype];
    const mixed = await variant(`mixed-${dtype}`, tiny, (it) => [
      isLanguage(it.name) ? { ...it, dtype, data: half(it.data) } : it,
    ]);
    // The same rounded values, stored in float32.
    const plain = await variant(`plain-${dtype}`, tiny, (it) => [
      isLanguage(it.name) ? { ...it, data: whole(half(it.data)) } : it,
    ]);
    expect(await answer(mixed)).toEqual(await answer(plain));
  },
);

test('tensors that the release holds and nothing reads are let pass, others are not', async () => {
  const unused = ['vision_model.post_layernorm.weight', 'vision_model.embeddings.position_ids'].map(
    (name) => `vision_tower.vision_tower.${name}`,
  );
  const { low } = parseChatRexConfig(JSON.parse(await readFile(join(tiny, 'config.json'), 'utf8')));
  if (!low || low.kind !== undefined) throw new Error('the released models have CLIP as a low-resolution encoder');
  const above = low.numHiddenLayers + 1 + low.selectLayer;
  const names = [
    ...unused,
    ...(above < low.numHiddenLayers ? [`vision_tower.vision_tower.vision_model.encoder.layers.${above}.extra`] : []),
    ...[
      'vision_tower_aux.norm_pre.weight',
      'vision_tower_aux.head.fc.weight',
      'model.layers.0.self_attn.rotary_emb.inv_freq',
    ],
  ];
  const known = (await openSafetensors(join(tiny, 'model.safetensors'))).tensors;
  let isFirst = true;
  const extra = (more: readonly string[]) => (it: Values) => {
    const wanted = isFirst ? more.filter((name) => !known.has(name)) : [];
    const added = wanted.map((name) => ({ name, shape: [1], dtype: 'float32' as const, data: new Float32Array(1) }));
    isFirst = false;
    return [it, ...added];
  };
  expect(await answer(await variant('unused', tiny, extra(names)))).toEqual(await answer(tiny));
  isFirst = true;
  const other = await variant('other', tiny, extra(['vision_tower_aux.neck.weight']));
  await expectError(ChatRex.load(other), 'weights-mismatch', /unexpected: vision_tower_aux\.neck\.weight/);
});

test('the most tokens of a prompt that a configuration states are kept to', async () => {
  expect(parseChatRexConfig({ model_type: 'rexseek_qwen', tokenizer_model_max_length: 2048 }).maxPromptTokens).toBe(
    2048,
  );
  const folder = await variant(
    'short',
    tiny,
    (it) => [it],
    (json) => Object.assign(json, { maxPromptTokens: 40 }),
  );
  const model = await ChatRex.load(folder);
  const image = await model.encode('fixtures/chatrex/tiny-image.png', { boxes });
  await image.ask('Why?', { maxTokens: 30 });
  await expectError(image.ask('why '.repeat(20)), 'limit-exceeded', /take \d+ tokens, the model was made for 40/);
  await model.dispose();
});

test('paths of its author in a configuration lead nowhere', async () => {
  const authors = '/comp_robot/author/CLIP-convnext_large_d_320.laion2B-s29B-b131K-ft-soup';
  const config = parseChatRexConfig({
    ...{ model_type: 'rexseek_qwen', mm_vision_tower: authors, mm_vision_tower_aux: authors, _name_or_path: authors },
  });
  expect(config).toEqual(parseChatRexConfig({ model_type: 'rexseek_qwen', ...authorless(config.language) }));
  const folder = await variant(
    'author',
    tiny,
    (it) => [it],
    (json) => Object.assign(json, { mm_vision_tower: authors }),
  );
  expect(await answer(folder)).toEqual(await answer(tiny));
});

/** The record of the language model keeps what it does not know; nothing reads it. */
const authorless = (language: Record<string, unknown>) =>
  Object.fromEntries(['mm_vision_tower', 'mm_vision_tower_aux', '_name_or_path'].map((key) => [key, language[key]]));

const spoilt = (wanted: RegExp, value: number) => (it: Values) => {
  if (wanted.test(it.name)) it.data[it.data.length >> 1] = value;
  return [it];
};

test.each([
  ['an encoder', /^mm_projector\.0\.weight$/],
  ['the language model', /^model\.layers\.0\.mlp\.down_proj\.weight$/],
  ['the embeddings', /^model\.norm\.weight$/],
])('NaN in %s is told as a fault of the weights, by their name', async (name, wanted) => {
  const folder = await variant(`nan in ${name}`, tiny, spoilt(wanted, Number.NaN));
  const shown = wanted.source.slice(1, -1);
  await expectError(
    answer(folder),
    'invalid-file',
    new RegExp(`weights hold NaN or infinity: ${shown} in .*model\\.safetensors`),
  );
});

test('NaN in a proposal network is told too, where it would find no boxes', async () => {
  const folder = await variant(
    'nan-upn',
    'models/nano/upn',
    spoilt(/^transformer\.encoder\.layers\.0\.linear1\.weight$/, Number.NaN),
  );
  const upn = await Upn.load(folder);
  const action = upn.propose(['models/nano/example/scene.png']);
  await expectError(
    action,
    'invalid-file',
    /weights hold NaN or infinity: transformer\.encoder\.layers\.0\.linear1\.weight/,
  );
  await upn.dispose();
});
