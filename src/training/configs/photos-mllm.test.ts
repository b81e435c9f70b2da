/**
 * A multimodal model that sees with the bundled detector takes two steps on two images: weights, data and sizes have to
 * fit.
 */

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chatRexPresets } from '../../chatrex/config.ts';
import { highEncoder, lowEncoder } from '../../chatrex/network.ts';
import { modelFolder } from '../../chatrex.ts';
import type { Sample } from '../../datasets/sample.ts';
import { encodeImage, sharpFrom } from '../../drawing/encode.ts';
import { createRgbImage } from '../../image/rgb-image.ts';
import { locateNetwork } from '../../proposals/locate.ts';
import { openCheckpoint } from '../../weights/checkpoint.ts';
import { weightsOf } from '../initial-weights.ts';
import { checkpointFile, metricsFile } from '../loop.ts';
import type { MllmTraining } from '../mllm/config.ts';
import { openMllmStage } from '../mllm/stage.ts';
import { runStage } from '../run.ts';
import { photosAlign } from './photos-mllm.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'photos-mllm-'));
});
afterAll(() => rm(root, { recursive: true }));

const samples: Sample[] = ['cup', 'dog'].map((category, i) => ({
  id: category,
  image: { file: 'image.png', size: { width: 90, height: 40 } },
  regions: [{ boxXyxy: [5, 5, 30 + 20 * i, 30], category, granularities: ['coarse'] }],
  phrases: [],
  conversations: [],
  coverage: { complete: ['coarse'], isClosed: true },
}));

test('two steps with the detector as it is', async () => {
  await writeFile(join(root, 'image.png'), await encodeImage(sharpFrom(createRgbImage(90, 40, [200, 80, 10])), 'png'));
  await writeFile(join(root, 'data.jsonl'), samples.map((sample) => `${JSON.stringify(sample)}\n`).join(''));
  const { path } = await locateNetwork('photo');
  const settings: MllmTraining = {
    ...photosAlign,
    data: [{ data: { format: 'json-lines', options: { path: 'data.jsonl', images: '.' } }, weight: 1 }],
    steps: 2,
    warmupSteps: 1,
    parts: 1,
    room: 64,
    model: {
      ...photosAlign.model,
      imageSize: 64,
      low: { ...chatRexPresets.photo.low, imageSize: 64 },
      language: {
        ...photosAlign.model.language,
        vocab_size: 512,
        hidden_size: 32,
        num_hidden_layers: 1,
        intermediate_size: 64,
      },
    },
  };
  const context = {
    folder: join(root, 'run'),
    cacheFolder: join(root, 'cache'),
    dataRoot: root,
    initial: [
      await weightsOf(path, { to: `${highEncoder}.` }),
      await weightsOf(modelFolder('photo'), { from: `${lowEncoder}.`, to: `${lowEncoder}.` }),
    ],
  };
  await mkdir(context.folder);
  const stage = await openMllmStage('align', settings, context);
  await runStage(stage, { folder: context.folder, initial: context.initial });
  await stage.close?.();
  const lines = (await readFile(metricsFile(context.folder), 'utf8')).trim().split('\n');
  for (const line of lines.slice(0, 2)) expect(Number.isFinite(JSON.parse(line).loss)).toBe(true);
  const [before, after] = await Promise.all([openCheckpoint(path), openCheckpoint(checkpointFile(context.folder))]);
  const name = 'backbone.stages.0.conv.weight';
  expect(await after.readFloat32(`parameters.${highEncoder}.${name}`)).toEqual(await before.readFloat32(name));
});
