/**
 * Training of the multimodal model on data of one's own: images of any size, text alone, images with nothing in them.
 */

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Sample } from '../../datasets/sample.ts';
import { encodeImage, sharpFrom } from '../../drawing/encode.ts';
import { createRgbImage } from '../../image/rgb-image.ts';
import { nanoAlign } from '../configs/nano-mllm.ts';
import { metricsFile } from '../loop.ts';
import { runStage } from '../run.ts';
import type { MllmTraining } from './config.ts';
import { openMllmStage } from './stage.ts';

let root: string;
let settings: MllmTraining;

const coverage = { complete: ['coarse'], isClosed: true } as const;
const say = (text: string) => ({ kind: 'text' as const, text });
const talk = (question: string, answer: string) => ({
  task: 'conversation',
  turns: [{ question: [say(question)], answer: [say(answer)] }],
});
const samples: Sample[] = [
  {
    id: 'wide',
    image: { file: 'wide.png', size: { width: 90, height: 40 } },
    regions: [{ boxXyxy: [5, 5, 30, 30], category: 'cup', granularities: ['coarse'] }],
    phrases: [],
    conversations: [talk('is <obj0> here', 'yes')],
    coverage,
  },
  { id: 'text', regions: [], phrases: [], conversations: [talk('who are you', 'a model')], coverage },
  {
    id: 'empty',
    image: { file: 'wide.png', size: { width: 90, height: 40 } },
    regions: [],
    phrases: [],
    conversations: [talk('what is this', 'nothing')],
    coverage,
  },
  {
    id: 'missing',
    image: { file: 'broken.png', size: { width: 9, height: 9 } },
    regions: [],
    phrases: [],
    conversations: [talk('what', 'no')],
    coverage,
  },
];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mllm-stage-'));
  await writeFile(join(root, 'wide.png'), await encodeImage(sharpFrom(createRgbImage(90, 40, [200, 80, 10])), 'png'));
  await writeFile(join(root, 'broken.png'), 'no image');
  await writeFile(join(root, 'data.jsonl'), samples.map((sample) => `${JSON.stringify(sample)}\n`).join(''));
  const { model } = nanoAlign;
  settings = {
    ...nanoAlign,
    steps: 3,
    warmupSteps: 1,
    validateEvery: 3,
    data: [{ data: { format: 'json-lines', options: { path: 'data.jsonl', images: '.' } }, weight: 1 }],
    validation: { data: { format: 'json-lines', options: { path: 'data.jsonl', images: '.' } }, count: 4 },
    lessons: [],
    mixture: { conversation: 1, detection: 1 },
    parts: 1,
    batchSize: 3,
    room: 64,
    proposals: 3,
    encodersLearn: true,
    model: {
      ...model,
      imageSize: 64,
      low: {
        patchSize: 16,
        selectLayer: -1,
        hiddenSize: 16,
        intermediateSize: 32,
        numHiddenLayers: 1,
        numAttentionHeads: 2,
        imageSize: 32,
      },
      high: { kind: 'convnext' as const, kernelSize: 5, layerScale: 0.1, depths: [1, 1, 1, 1], dims: [8, 8, 16, 16] },
      language: {
        ...model.language,
        vocab_size: 512,
        hidden_size: 32,
        intermediate_size: 64,
        num_hidden_layers: 1,
        num_attention_heads: 2,
        num_key_value_heads: 2,
      },
    },
  };
});
afterAll(() => rm(root, { recursive: true }));

test('samples of every kind share a batch, and one that cannot be read is replaced by another', async () => {
  const context = { folder: join(root, 'run'), cacheFolder: join(root, 'cache'), dataRoot: root };
  await mkdir(context.folder);
  const stage = await openMllmStage('align', settings, context);
  const batches = await Promise.all([0, 1, 2, 3].map((step) => stage.makeBatch(step, 0)));
  for (const feeds of batches) expect(feeds.targets.data.length).toBeGreaterThan(0);
  expect(await stage.makeBatch(1, 0)).toEqual(batches[1]);
  await runStage(stage, { folder: context.folder });
  await stage.close?.();
  const lines = (await readFile(metricsFile(context.folder), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  for (const { loss } of lines.slice(0, 3)) expect(Number.isFinite(loss)).toBe(true);
  expect(Number.isFinite(lines[3]['val answering'])).toBe(true);
});

test('when nothing fits the room, that is said instead of waiting for ever', async () => {
  const context = { folder: join(root, 'narrow'), cacheFolder: join(root, 'cache'), dataRoot: root };
  await mkdir(context.folder);
  const stage = await openMllmStage('align', { ...settings, room: 2 }, context);
  await expect(stage.makeBatch(0, 0)).rejects.toThrow(/20 samples in a row.*raise the room/);
  await stage.close?.();
});
