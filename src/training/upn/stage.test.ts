/** UPN training on images of several shapes, through the files that a user has. */

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeImage, sharpFrom } from '../../drawing/encode.ts';
import { createRgbImage } from '../../image/rgb-image.ts';
import { checkpointFile } from '../loop.ts';
import { trainStage } from '../parallel/threads.ts';
import { openUpnStage, type UpnTraining } from './stage.ts';

let root: string;
let settings: UpnTraining;

/** Seven images of three shapes with a red rectangle each; the file of one is no image. */
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'upn-stage-'));
  await mkdir(join(root, 'photos'));
  const images = Array.from({ length: 7 }, (_, id) => {
    const [width, height] = [
      [96, 64],
      [64, 96],
      [80, 80],
    ][id % 3];
    return { id, file_name: `${id}.png`, width, height };
  });
  await writeFile(join(root, 'photos', '0.png'), 'no image');
  for (const { id, width, height, file_name } of images.slice(1)) {
    const image = createRgbImage(width, height, [30, 30, 30]);
    for (let y = 20; y < 50; y++) for (let x = 20; x < 50; x++) image.data[3 * (y * width + x)] = 200 + id;
    await writeFile(join(root, 'photos', file_name), await encodeImage(sharpFrom(image), 'png'));
  }
  const annotations = images.map(({ id }) => ({
    id,
    image_id: id,
    category_id: 1,
    bbox: [20, 20, 30, 30],
    area: 900,
    iscrowd: 0,
  }));
  const file = { images, annotations, categories: [{ id: 1, name: 'square' }] };
  await writeFile(join(root, 'instances.json'), JSON.stringify(file));
  settings = {
    seed: 2,
    steps: 4,
    learningRate: 1e-3,
    warmupSteps: 1,
    finalRate: 0.1,
    maxNorm: 1,
    weightDecay: 0.01,
    validateEvery: 4,
    parts: 3,
    batchSize: 1,
    data: [{ data: { format: 'coco', options: { path: 'instances.json', images: 'photos' } }, weight: 1 }],
    validation: { data: { format: 'coco', options: { path: 'instances.json', images: 'photos' } }, count: 3 },
    backboneRate: 1,
    upn: {
      backbone: { kind: 'convnext', depths: [1, 1, 1, 1], dims: [8, 16, 16, 16], kernelSize: 3, layerScale: 0.1 },
      backboneStages: [1, 2],
      numLevels: 2,
      hiddenSize: 32,
      numHeads: 2,
      numPoints: 1,
      numEncoderLayers: 1,
      numDecoderLayers: 1,
      feedForwardSize: 32,
      numQueries: 10,
      shorterSide: 64,
      longerSide: 96,
      canvasMultiple: 32,
    },
    canvases: [
      { width: 96, height: 64 },
      { width: 64, height: 96 },
    ],
    isPadded: true,
    denoisingQueries: 4,
    maxPositiveTokens: 16,
  };
});
afterAll(() => rm(root, { recursive: true }));

const at = (name: string) => ({ folder: join(root, name), cacheFolder: join(root, 'cache'), dataRoot: root });

test('stopped in the middle of an epoch and resumed with another number of workers, it ends in the same bits', async () => {
  await trainStage('upn', settings, { ...at('whole'), workers: 1 });
  const interruption = new AbortController();
  const { isComplete } = await trainStage('upn', settings, {
    ...at('stopped'),
    workers: 2,
    signal: interruption.signal,
    onProgress: ({ step }) => step === 1 && interruption.abort(),
  });
  expect(isComplete).toBe(false);
  await trainStage('upn', settings, { ...at('stopped'), workers: 1, resume: true });
  const [whole, stopped] = await Promise.all(
    ['whole', 'stopped'].map((name) => readFile(checkpointFile(join(root, name)))),
  );
  expect(Buffer.compare(whole, stopped)).toBe(0);
});

test('every image comes once in an epoch, on the canvas of its shape; one that cannot be read teaches nothing', async () => {
  const single = { ...settings, parts: 1 };
  const stage = await openUpnStage(single, at('batches'));
  const batches = await Promise.all(Array.from({ length: 32 }, (_, step) => stage.makeBatch(step, 0)));
  expect(batches.filter(({ unreadable }) => unreadable === 1).length).toBeGreaterThanOrEqual(4);
  expect(new Set(batches.map(({ canvas }) => canvas))).toEqual(new Set([0, 1]));
  for (const { canvas, feeds, truths, unreadable } of batches) {
    const [, , height, width] = feeds.pixels.shape;
    expect({ width, height }).toEqual(settings.canvases[canvas]);
    expect(truths.fine).toEqual([null]);
    if (unreadable === 0) expect(truths.coarse[0]?.isComplete).toBe(true);
  }
  await stage.close?.();
});

test('a run does not resume on other data, nor where there is none', async () => {
  const changed = { ...settings, data: [{ ...settings.data[0], weight: 2 }] };
  await expect(trainStage('upn', changed, { ...at('whole'), resume: true })).rejects.toThrow(
    /data.*(weight|is "\w+" there)/,
  );
  await expect(trainStage('upn', settings, { ...at('nothing'), resume: true })).rejects.toThrow(/no run to resume/);
  await expect(trainStage('upn', settings, at('whole'))).rejects.toThrow(/already holds a run/);
});

test('canvases that no level divides are refused before anything is read', async () => {
  const odd = { ...settings, canvases: [{ width: 100, height: 64 }] };
  await expect(openUpnStage(odd, at('odd'))).rejects.toThrow(/100 x 64.*multiples of 16/);
});
