import { beforeAll, describe, expect, test } from 'vitest';
import { gradients } from '../autodiff/gradients.ts';
import { createScope } from '../nn/scope.ts';
import { type HostTensor, hostTensor } from '../runtime/host-tensor.ts';
import { Session } from '../runtime/session.ts';
import { graphOf } from '../tensor/graph.ts';
import { add } from '../tensor/ops/add.ts';
import { concat } from '../tensor/ops/concat.ts';
import { constant } from '../tensor/ops/constant.ts';
import { input } from '../tensor/ops/input.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { reduceSum } from '../tensor/ops/reduce-sum.ts';
import { slice } from '../tensor/ops/slice.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import { upnPresets } from './config.ts';
import { proposeFor, upnNetwork } from './network.ts';
import { patterned, patternedWeights, tinyConfig } from './testing/patterned.ts';
import { upnParameters } from './weights.ts';

const fixture = new URL('../../fixtures/upn/tiny.safetensors', import.meta.url).pathname;
const weights = patternedWeights(tinyConfig);

/** Images in the top left corner of one canvas, as [B, 3, H, W] with a padding mask. */
function batch(encodedImages: { name: string; height: number; width: number }[], height: number, width: number) {
  const images = hostTensor('float32', [encodedImages.length, 3, height, width]);
  const padding = hostTensor('bool', [encodedImages.length, height, width]);
  padding.data.fill(1);
  encodedImages.forEach((image, b) => {
    const values = patterned(image.name, 3 * image.height * image.width, 1);
    for (let y = 0; y < image.height; y++) {
      const row = (b * height + y) * width;
      padding.data.fill(0, row, row + image.width);
      for (let c = 0; c < 3; c++) {
        const from = (c * image.height + y) * image.width;
        images.data.set(values.subarray(from, from + image.width), ((b * 3 + c) * height + y) * width);
      }
    }
  });
  return { images, padding };
}

function tinyGraph(height: number, width: number): Record<string, Tensor> {
  const network = upnNetwork(createScope(), tinyConfig);
  const encoded = network.encode(
    input('images', 'float32', ['batch', 3, height, width]),
    input('padding', 'bool', ['batch', height, width]),
  );
  // The fixture keeps a part of the long ones.
  const every = (x: Tensor, axis: number, step: number) => slice(x, { axis, step });
  const outputs: Record<string, Tensor> = {
    memory: every(every(encoded.memory, 1, 8), 2, 4),
    'backbone 3': encoded.backboneMaps[3],
    'backbone 0': every(every(every(encoded.backboneMaps[0], 1, 4), 2, 3), 3, 3),
  };
  for (const granularity of ['fine', 'coarse'] as const) {
    const { selection, predictions } = proposeFor(network, encoded, granularity);
    outputs[`${granularity} refpoint_unsigmoid`] = selection.boxesUnsigmoid;
    outputs[`${granularity} pred_logits`] = predictions.logits[1];
    outputs[`${granularity} pred_boxes_cxcywh`] = predictions.boxesCxcywhNormalized[1];
  }
  return outputs;
}

const pair = [
  { name: 'first', height: 70, width: 90 },
  { name: 'second', height: 75, width: 61 },
];

describe('a tiny UPN against the official one', () => {
  let session: Session;
  let results: Record<string, HostTensor>;
  beforeAll(async () => {
    session = await Session.create(tinyGraph(75, 90), weights);
    results = await session.run(batch(pair, 75, 90));
    return () => session.dispose();
  });

  test('every tensor of a padded batch agrees', async () => {
    const file = await openSafetensors(fixture);
    expect([...file.tensors.keys()].sort()).toEqual(Object.keys(results).sort());
    for (const [name, { shape }] of file.tensors) {
      const expected = await file.readFloat32(name);
      expect(results[name].shape, name).toEqual(shape);
      const greatest = expected.reduce(
        (most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most),
        1,
      );
      const wrong = expected.findIndex(
        (value, i) =>
          value !== results[name].data[i] && !(Math.abs(value - Number(results[name].data[i])) < 1e-4 * greatest),
      );
      expect(wrong, `${name}[${wrong}]`).toBe(-1);
    }
  });

  test('an image’s result does not depend on what else is in the batch', async () => {
    const alone = await session.run(batch([pair[1]], 75, 90));
    for (const name of ['memory', 'coarse pred_logits', 'coarse pred_boxes_cxcywh']) {
      const size = alone[name].data.length;
      const together = results[name].data.subarray(size) as Float32Array;
      (alone[name].data as Float32Array).forEach((value, i) => {
        expect(Math.abs(value - together[i]), name).toBeLessThan(1e-4);
      });
    }
  });
});

test('upn-large has the parameters of the released checkpoint', () => {
  const parameters = upnParameters(upnPresets['upn-large']);
  const count = parameters.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
  // 217.6 M with ref_point_head_point (2 x 256 x 257), which has no effect
  expect(count + 2 * 256 * 257).toBe(217_638_460);
  // 701 tensors are stored: the parameters, the idle head, twelve more copies of the box head and less one, 24 index
  // tables
  expect(parameters.length + 4 + 11 * 6 + 24).toBe(701);
});

test('training sees every layer, more queries with a mask, and gradients everywhere they should be', async () => {
  const network = upnNetwork(createScope(), tinyConfig);
  const encoded = network.encode(input('images', 'float32', ['batch', 3, 32, 40]), null);
  const prompts = network.prompt('fine');
  const selection = network.select(encoded, prompts);
  const extra = 3;
  const total = extra + tinyConfig.numQueries;
  const content = network.content('batch', tinyConfig.numQueries);
  const noisy = input('noisy', 'float32', ['batch', extra, 4]);
  // Neither group of queries sees the other.
  const mask = Float32Array.from({ length: total * total }, (_, i) =>
    Math.floor(i / total) < extra === i % total < extra ? 0 : -1e9,
  );
  const queries = (boxes: Tensor) => ({
    content: concat([slice(content, { axis: 1, end: extra }), content], 1),
    boxesUnsigmoid: concat([boxes, selection.boxesUnsigmoid], 1),
    prompts,
    attentionMask: constant('float32', [1, 1, total, total], mask),
  });
  const { logits, boxesCxcywhNormalized } = network.decode(encoded, queries(noisy));
  expect(logits.map(({ shape }) => shape)).toEqual([
    ['batch', total, 1],
    ['batch', total, 1],
  ]);
  const all = [...logits, ...boxesCxcywhNormalized, selection.logits, selection.boxesCxcywhNormalized];
  const loss = all.map((x) => reduceSum(multiply(x, x))).reduce((a, b) => add(a, b));
  const parameters = graphOf({ loss })
    .nodes.filter(({ op }) => op.name === 'Parameter')
    .map(({ outputs }) => outputs[0]);
  const names = parameters.map(({ node }) => (node.attributes as unknown as { name: string }).name);
  // A gradient that does not depend on the image is the zero of a parameter that the loss does not reach.
  const unreached = gradients(loss, parameters).flatMap((gradient, i) =>
    graphOf({ gradient }).inputs.has('images') ? [] : [names[i]],
  );
  expect(unreached).toEqual([]);
  const session = await Session.create({ kept: slice(logits[1], { axis: 1, start: extra }) }, weights);
  const images = hostTensor('float32', [1, 3, 32, 40], patterned('third', 3 * 32 * 40, 1));
  const run = (noise: number) =>
    session.run({ images, noisy: hostTensor('float32', [1, extra, 4], new Float32Array(extra * 4).fill(noise)) });
  expect((await run(-1)).kept.data).toEqual((await run(1)).kept.data);
  await session.dispose();
});
