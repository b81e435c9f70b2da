import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeImage } from '../image/decode.ts';
import { createScope } from '../nn/scope.ts';
import type { HostTensor } from '../runtime/host-tensor.ts';
import { Session } from '../runtime/session.ts';
import { openCheckpoint } from '../weights/checkpoint.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import { type ChatRexConfig, parseChatRexConfig } from './config.ts';
import { chatRexVision } from './network.ts';
import { boxFeeds, pixelFeeds } from './preprocess.ts';
import { visionInputs } from './vision-encoder.ts';
import { splitTensors, visionWeights } from './weights.ts';

const fixtures = new URL('../../fixtures/chatrex/', import.meta.url).pathname;
const boxesXyxy = Float64Array.of(4.25, 3.5, 20, 30, 0, 0, 50, 37, 30.5, 10.25, 48.75, 20.5, 41, 1, 44, 3);

describe.each(['tiny-gated', 'tiny-concat'])('%s against transformers, timm and torchvision', (name) => {
  let config: ChatRexConfig;
  let actual: Record<string, HostTensor>;
  let expected: Awaited<ReturnType<typeof openSafetensors>>;

  beforeAll(async () => {
    const folder = fixtures + name;
    config = parseChatRexConfig(JSON.parse(await readFile(`${folder}/config.json`, 'utf8')));
    expected = await openSafetensors(`${folder}/expected.safetensors`);
    const image = await decodeImage(`${fixtures}tiny-picture.png`);
    const weights = visionWeights(splitTensors(await openCheckpoint(folder), config).vision, config);
    const vision = chatRexVision(createScope(), config);
    const { pixelsLow, pixelsHigh, objects } = visionInputs(config);
    const seen = vision.encode(pixelsLow, pixelsHigh);
    const outputs = {
      low: seen.low,
      'map.1': seen.maps[1],
      high: seen.maps[3],
      image_tokens: vision.imageTokens(seen),
      object_tokens: vision.objectTokens(seen, objects),
    };
    const feeds = { ...pixelFeeds([image], config), ...boxFeeds([image], [boxesXyxy], config) };
    const session = await Session.create(outputs, weights);
    actual = { pixels_low: feeds.pixelsLow, ...(await session.run(feeds)) };
    await session.dispose();
  });

  it.each([
    ['pixels_low', 2e-6],
    ['low', 2e-5],
    ['map.1', 2e-5],
    ['high', 2e-5],
    ['image_tokens', 5e-5],
    ['object_tokens', 5e-5],
  ])('%s', async (tensor, tolerance) => {
    const values = await expected.readFloat32(tensor);
    expect(actual[tensor].shape).toEqual(expected.tensors.get(tensor)?.shape);
    let worst = 0;
    values.forEach((value, i) => {
      worst = Math.max(worst, Math.abs(value - Number(actual[tensor].data[i])));
    });
    expect(worst).toBeLessThan(tolerance);
  });
});
