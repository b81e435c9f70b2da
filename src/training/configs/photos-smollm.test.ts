/** A language model from elsewhere, small: its words, its weights in shards and a chat format not our own. */

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chatRexPresets, languageConfig } from '../../chatrex/config.ts';
import { highEncoder, lowEncoder } from '../../chatrex/network.ts';
import { ChatRex, modelFolder } from '../../chatrex.ts';

import type { Sample } from '../../datasets/sample.ts';
import { encodeImage, sharpFrom } from '../../drawing/encode.ts';
import { createRgbImage } from '../../image/rgb-image.ts';
import { languageParameters } from '../../language/load.ts';
import { byteLevelAlphabet } from '../../prompt/tokenizer/token-bytes.ts';
import { byteLevelTokenizerJson, specialToken } from '../../prompt/tokenizer/tokenizer-json.ts';
import { locateNetwork } from '../../proposals/locate.ts';
import { createRandom } from '../../random.ts';
import { openCheckpoint } from '../../weights/checkpoint.ts';
import { writeShardedSafetensors } from '../../weights/sharded-writer.ts';
import { exportMllm } from '../export.ts';
import { weightsOf } from '../initial-weights.ts';
import type { MllmTraining } from '../mllm/config.ts';
import { languageWeightsOf } from '../mllm/language-weights.ts';
import { openMllmStage } from '../mllm/stage.ts';
import { runTokenizer } from '../mllm/tokenizer.ts';
import { runStage } from '../run.ts';
import { photosSmollmAlign } from './photos-smollm.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'photos-smollm-'));
});
afterAll(() => rm(root, { recursive: true }));

const pieces = ['<|im_start|>', '<|im_end|>', ...byteLevelAlphabet, 'Ġc', 'up'];
const vocabSize = pieces.length + 104;
const language = {
  ...photosSmollmAlign.model.language,
  vocab_size: vocabSize,
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 16,
};
const low = { ...chatRexPresets.photo.low, imageSize: 64 };
const model = { ...photosSmollmAlign.model, imageSize: 64, low, language };

/** A folder as hubs have them, with random weights in two shards. */
async function writeLanguageModel(folder: string): Promise<void> {
  await mkdir(folder);
  const json = byteLevelTokenizerJson({
    vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
    merges: ['Ġ c', 'u p'],
    pattern: ' ?\\p{L}+|\\s+',
    normalizer: null,
    special: [0, 1].map((id) => specialToken(id, pieces[id])),
  });
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(json));
  await writeFile(join(folder, 'config.json'), JSON.stringify({ ...language, vocab_size: pieces.length }));
  const random = createRandom('language');
  const parameters = languageParameters(
    languageConfig({ ...model, language: { ...language, vocab_size: pieces.length } }),
    'float',
  );
  const entries = parameters.map(({ name, shape }) => {
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.range(-0.2, 0.2));
    return { name, dtype: 'float32' as const, shape, data: async () => values };
  });
  await writeShardedSafetensors(folder, entries, 20_000);
}

const samples: Sample[] = ['cup', 'dog'].map((category, i) => ({
  id: category,
  image: { file: 'image.png', size: { width: 90, height: 40 } },
  regions: [{ boxXyxy: [5, 5, 30 + 20 * i, 30], category, granularities: ['coarse'] }],
  phrases: [],
  conversations: [],
  coverage: { complete: ['coarse'], isClosed: true },
}));

test('it learns beside its weights, which keep their words, and what is exported answers', async () => {
  const source = join(root, 'language');
  await writeLanguageModel(source);
  const image = await encodeImage(sharpFrom(createRgbImage(90, 40, [200, 80, 10])), 'png');
  await writeFile(join(root, 'image.png'), image);
  await writeFile(join(root, 'data.jsonl'), samples.map((sample) => `${JSON.stringify(sample)}\n`).join(''));
  const { path } = await locateNetwork('photo');
  const settings: MllmTraining = {
    ...photosSmollmAlign,
    model,
    data: [{ data: { format: 'json-lines', options: { path: 'data.jsonl', images: '.' } }, weight: 1 }],
    steps: 2,
    warmupSteps: 1,
    parts: 1,
    room: 200,
    lessons: [],
  };
  const folder = join(root, 'run');
  await mkdir(folder);
  const context = {
    folder,
    language: source,
    cacheFolder: join(root, 'cache'),
    dataRoot: root,
    initial: [
      await weightsOf(path, { to: `${highEncoder}.` }),
      await weightsOf(modelFolder('photo'), { from: `${lowEncoder}.`, to: `${lowEncoder}.` }),
      ...(await languageWeightsOf(source, folder)),
    ],
  };
  const fits = runTokenizer(folder, [], [], { ...model, language: { ...language, vocab_size: vocabSize - 1 } }, source);
  await expect(fits).rejects.toThrow(/vocab_size.*104 special tokens need 364/);
  const stage = await openMllmStage('align', settings, context);
  const { parameters } = await runStage(stage, context);
  await stage.close?.();

  const table = 'model.embed_tokens.weight';
  const known = await (await openCheckpoint(source)).readFloat32(table);
  const after = parameters.get(table)!.data;
  expect(after.subarray(0, known.length)).toEqual(known);
  const isMoved = (name: string) => parameters.get(name)!.data.some((value) => value !== 0);
  expect(isMoved('model.embed_tokens.new_tokens.weight')).toBe(true);
  expect(isMoved('model.layers.0.self_attn.q_proj.lora_B.weight')).toBe(true);

  const exported = join(root, 'model');
  await exportMllm(folder, exported);
  const names = [...(await openCheckpoint(exported)).tensors.keys()];
  expect(names.filter((name) => /lora|new_tokens/.test(name))).toEqual([]);
  const words = JSON.parse(await readFile(join(exported, 'tokenizer.json'), 'utf8'));
  expect(words.added_tokens.map(({ id }: { id: number }) => id)).toEqual([
    0,
    1,
    ...Array.from({ length: 104 }, (_, i) => pieces.length + i),
  ]);
  const chatrex = await ChatRex.load(exported);
  const encoded = await chatrex.encode(image, { boxes: [[5, 5, 30, 30]] });
  const { text } = await encoded.ask('what is <obj0>?', { maxTokens: 4 });
  expect(typeof text).toBe('string');
  await chatrex.dispose();
});
