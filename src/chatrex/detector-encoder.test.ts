/**
 * A ChatRex that sees with a detector alone: no low-resolution encoder, images stretched, objects pooled from its maps.
 */

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gradients } from '../autodiff/gradients.ts';
import { ChatRex } from '../chatrex.ts';
import { createScope } from '../nn/scope.ts';
import { locateNetwork } from '../proposals/locate.ts';
import { patterned } from '../proposals/testing/patterned.ts';
import { graphOf } from '../tensor/graph.ts';
import { parameterOp } from '../tensor/ops/parameter.ts';
import { reduceSum } from '../tensor/ops/reduce-sum.ts';
import { openCheckpoint } from '../weights/checkpoint.ts';
import { writeSafetensors } from '../weights/safetensors-writer.ts';
import { type ChatRexConfig, chatRexPresets, finestMapSize, imageTokenCount, parseChatRexConfig } from './config.ts';
import { chatRexVision, highEncoder } from './network.ts';
import { boxFeeds, pixelFeeds } from './preprocess.ts';
import { openTiny } from './testing/tiny-chatrex.ts';
import { visionInputs } from './vision-encoder.ts';
import { visionParameters } from './weights.ts';

const photo = chatRexPresets.photo;
const fixtures = new URL('../../fixtures/chatrex/', import.meta.url).pathname;
const imagePath = `${fixtures}tiny-image.png`;

let folder: string;
let config: ChatRexConfig;

beforeAll(async () => {
  const tiny = await openTiny('tiny-gated');
  const { low: _, lowPixels: __, ...rest } = tiny.config;
  config = {
    ...rest,
    imageSize: 64,
    imagePlacement: 'stretch',
    statistics: { high: tiny.config.statistics.high },
    high: { ...photo.high, stemChannels: 4, stageBlocks: [1, 1, 1, 1], neckChannels: 8, categoryCount: 4 },
    fusion: 'high',
  };
  folder = await mkdtemp(join(tmpdir(), 'detector-encoder-'));
  await cp(`${fixtures}tiny-gated`, folder, { recursive: true });
  await writeFile(join(folder, 'config.json'), JSON.stringify({ model_type: 'chatrex', ...config }));
  const file = await openCheckpoint(`${fixtures}tiny-gated`);
  const language = await Promise.all(
    [...tiny.tensors.language].map(async ([name, { dtype, shape }]) => ({
      name,
      dtype,
      shape,
      data: await file.read(name),
    })),
  );
  const vision = visionParameters(config).map(({ name, shape }) => {
    const count = shape.reduce((product, size) => product * size, 1);
    const deviation = shape.length === 1 ? 0.1 : 1 / Math.sqrt(count / shape[0]);
    return { name, dtype: 'float32' as const, shape: [...shape], data: patterned(name, count, deviation) };
  });
  await writeSafetensors(join(folder, 'model.safetensors'), [...language, ...vision]);
});
afterAll(() => rm(folder, { recursive: true }));

test('the bundled detector’s weights are the encoder’s, letter for letter', async () => {
  const { tensors } = await openCheckpoint((await locateNetwork('photo')).path);
  const encoder = visionParameters(photo).filter(({ name }) => name.startsWith(`${highEncoder}.`));
  expect(
    Object.fromEntries(encoder.map(({ name, shape }) => [name.slice(highEncoder.length + 1), [...shape]])),
  ).toEqual(Object.fromEntries([...tensors.values()].map(({ name, shape }) => [name, [...shape]])));
  expect([imageTokenCount(photo), finestMapSize(photo)]).toEqual([169, 52]);
});

test('images are stretched and boxes with them', () => {
  const size = { width: 50, height: 37 };
  const { boxesCxcywhNormalized } = boxFeeds([size], [Float64Array.of(0, 0, 50, 37, 25, 0, 50, 18.5)], config);
  expect([...boxesCxcywhNormalized.data]).toEqual([0.5, 0.5, 1, 1, 0.75, 0.25, 0.5, 0.5]);
  const image = { ...size, data: new Uint8Array(50 * 37 * 3).fill(255) };
  const { pixelsLow, pixelsHigh } = pixelFeeds([image], config);
  expect(pixelsLow).toBeUndefined();
  // No padding anywhere.
  expect(Math.min(...pixelsHigh.data)).toBeGreaterThan(2);
});

test('it loads, sees boxes and answers', async () => {
  const model = await ChatRex.load(folder, { session: { threads: 1 } });
  const image = await model.encode(imagePath, {
    boxes: [
      [4, 3, 20, 30],
      [0, 0, 50, 37],
    ],
  });
  const answer = await image.ask('What is <obj1>?', { maxTokens: 8 });
  expect(answer.ids.length).toBeGreaterThan(0);
  await model.dispose();
});

test('what objects and images are made of can be trained, the detector included', () => {
  const vision = chatRexVision(createScope(), config);
  const { pixelsHigh, objects } = visionInputs(config, { batch: 2, boxes: 3 });
  const image = vision.encode(undefined, pixelsHigh);
  expect(image.maps.map(({ shape }) => shape)).toEqual([8, 4, 2].map((side) => [2, 12, side, side]));
  const loss = reduceSum(vision.objectTokens(image, objects).read);
  const { nodes } = graphOf({ loss });
  const stem = nodes.find(({ op, attributes }) => {
    return op.name === parameterOp.name && (attributes as { name: string }).name.endsWith('stages.0.conv.weight');
  });
  const [gradient] = gradients(loss, [stem!.outputs[0]]);
  expect(gradient.shape).toEqual([4, 3, 3, 3]);
});

describe('a configuration that does not fit together is refused', () => {
  const parse = (changed: object) => parseChatRexConfig({ model_type: 'chatrex', ...photo, ...changed });
  test.each([
    ['fusing with an encoder that is missing', { fusion: 'gated', low: undefined }, /fusion gated/],
    ['an encoder that nothing reads', { fusion: 'high' }, /fusion high/],
    ['a size that is no multiple of the strides', { imageSize: 400 }, /imageSize 400: expected a multiple of 32/],
    ['another kind of encoder', { high: { kind: 'resnet' } }, /high/],
    ['a detector without its sizes', { high: { kind: 'nanodet' } }, /high\.stemChannels/],
  ])('%s', (_, changed, message) => {
    expect(() => parse(changed)).toThrow(message);
  });

  test('one without a kind is a ConvNeXt', async () => {
    const { high: written } = JSON.parse(await readFile(`${fixtures}tiny-gated/config.json`, 'utf8'));
    expect(written.kind).toBeUndefined();
    expect((await openTiny('tiny-gated')).config.high).toEqual({ kind: 'convnext', ...written });
  });
});
