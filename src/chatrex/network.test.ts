import { beforeAll, describe, expect, it } from 'vitest';
import { createScope } from '../nn/scope.ts';
import type { HostTensor } from '../runtime/host-tensor.ts';
import { Session } from '../runtime/session.ts';
import type { openSafetensors } from '../weights/safetensors.ts';
import type { ChatRexConfig } from './config.ts';
import { chatRexVision } from './network.ts';
import { boxFeeds, pixelFeeds } from './preprocess.ts';
import { boxesXyxy, openTiny, tinyNames } from './testing/tiny-chatrex.ts';
import { visionInputs } from './vision-encoder.ts';
import { visionWeights } from './weights.ts';

describe.each(tinyNames)('%s against transformers, timm and torchvision', (name) => {
  let config: ChatRexConfig;
  let actual: Record<string, HostTensor>;
  let expected: Awaited<ReturnType<typeof openSafetensors>>;

  beforeAll(async () => {
    const { image, tensors, ...tiny } = await openTiny(name);
    ({ config, expected } = tiny);
    const weights = visionWeights(tensors.vision, config);
    const vision = chatRexVision(createScope(), config);
    const { pixelsLow, pixelsHigh, objects } = visionInputs(config);
    const seen = vision.encode(pixelsLow, pixelsHigh);
    const outputs = {
      low: seen.low!,
      'map.1': seen.maps[1],
      high: seen.maps[3],
      image_tokens: vision.imageTokens(seen),
      object_tokens: vision.objectTokens(seen, objects).read,
    };
    const feeds = { ...pixelFeeds([image], config), ...boxFeeds([image], [boxesXyxy], config) };
    const session = await Session.create(outputs, weights);
    actual = { pixels_low: feeds.pixelsLow!, ...(await session.run(feeds)) };
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
