import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cxcywhToXyxy } from '../boxes/convert.ts';
import { iou } from '../boxes/overlap.ts';
import { createRgbImage } from '../image/rgb-image.ts';
import { hostTensor } from '../runtime/host-tensor.ts';
import { Session } from '../runtime/session.ts';
import { openCheckpoint } from '../weights/checkpoint.ts';
import { writeSafetensors } from '../weights/safetensors-writer.ts';
import { formatUpnConfig } from './config-file.ts';
import { int8LayersOf } from './int8-layers.ts';
import { loadStoredUpn } from './load.ts';
import { defaultInt8Layers, linearLayersOf, quantizeUpn } from './quantize.ts';
import { patterned, patternedWeights, tinyConfig } from './testing/patterned.ts';
import { proposalGraph, Upn } from './upn.ts';
import { upnParameters } from './weights.ts';

let work: string;
let float: string;
let int8: string;

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'quantize-upn-'));
  [float, int8] = [join(work, 'float'), join(work, 'int8')];
  const weights = patternedWeights(tinyConfig);
  const tensors = upnParameters(tinyConfig).map(({ name, shape }) => ({
    name,
    shape,
    data: weights.get(name)!.data,
    dtype: 'float32' as const,
  }));
  await mkdir(float);
  await writeSafetensors(join(float, 'model.safetensors'), tensors);
  await writeFile(join(float, 'config.json'), formatUpnConfig(tinyConfig));
  await quantizeUpn(float, int8);
});
afterAll(() => rm(work, { recursive: true }));

/** The network's answer for one small image. */
async function run(folder: string) {
  const size = { height: 24, width: 32 };
  const { config, weights } = await loadStoredUpn(folder);
  const graph = proposalGraph(config, size, false, ['fine'], int8LayersOf(weights.keys()));
  const session = await Session.create(graph, weights);
  const { 'fine boxes': boxes, 'fine logits': logits } = await session.run({
    images: hostTensor('float32', [1, 3, 24, 32], patterned('image', 3 * 24 * 32, 1)),
  });
  await session.dispose();
  return { boxes: boxes.data as Float32Array, logits: logits.data as Float32Array };
}

test('int8: products of backbone, encoder and decoder are stored so, heads of boxes and layers of the decoder are not', async () => {
  const layers = int8LayersOf((await openCheckpoint(int8)).tensors.keys());
  for (const layer of [
    'backbone.model.backbone.layers.2.blocks.1.attn.qkv',
    'backbone.model.backbone.layers.0.blocks.0.mlp.fc2',
    'backbone.model.backbone.layers.0.downsample.reduction',
    'transformer.encoder.layers.0.linear1',
    'transformer.encoder.layers.0.self_attn.value_proj',
  ])
    expect(layers).toContain(layer);
  expect([...layers].filter((layer) => /bbox_embed|ref_point_head|decoder.*linear/.test(layer))).toEqual([]);
  expect(layers).toEqual(defaultInt8Layers(tinyConfig));
  expect(linearLayersOf(tinyConfig).size).toBeGreaterThan(layers.size);
});

test('int8: the boxes are those of float, and the file is smaller', async () => {
  const [expected, found] = [await run(float), await run(int8)];
  const overlaps = iou(cxcywhToXyxy(expected.boxes), cxcywhToXyxy(found.boxes));
  const count = expected.logits.length;
  const matched = Array.from(expected.logits.keys()).filter((i) =>
    overlaps.subarray(i * count, (i + 1) * count).some((value) => value > 0.9),
  );
  expect(matched.length / count).toBeGreaterThan(0.8);
  const sizes = await Promise.all([float, int8].map((path) => stat(join(path, 'model.safetensors'))));
  expect(sizes[1].size).toBeLessThan(0.8 * sizes[0].size);
});

test('int8: loads by the same path', async () => {
  const upn = await Upn.load(int8);
  const [{ scores }] = await upn.propose([createRgbImage(16, 16)], { minScore: 0 });
  expect(scores.length).toBeGreaterThan(0);
  await upn.dispose();
});

test('int8: nothing is overwritten, and nothing is rounded twice', async () => {
  await expect(quantizeUpn(float, int8)).rejects.toMatchObject({ code: 'invalid-argument' });
  await expect(quantizeUpn(int8, join(work, 'twice'))).rejects.toMatchObject({ code: 'invalid-argument' });
  expect((await readdir(work)).sort()).toEqual(['float', 'int8']);
});
