/**
 * Trains a small ConvNeXt from nothing to tell ten shapes apart.
 *
 *     npm run example:classifier
 *
 * Expect SCORE of 2,000 new pictures right (chance: 10 %) after MINUTES on two cores. The curves of loss and accuracy are
 * drawn in `runs/example-classifier/`.
 */

import { rm } from 'node:fs/promises';
import { linear } from '../src/nn/linear.ts';
import { createScope } from '../src/nn/scope.ts';
import { createRandom } from '../src/random.ts';
import { hostTensor } from '../src/runtime/host-tensor.ts';
import { type Feeds, Session } from '../src/runtime/session.ts';
import { input } from '../src/tensor/ops/input.ts';
import { reduceMean } from '../src/tensor/ops/reduce-mean.ts';
import { accuracy, crossEntropy } from '../src/training/losses.ts';
import { storedParameters } from '../src/training/parameters.ts';
import { runFeeds, runStage } from '../src/training/stage.ts';
import { convNext } from '../src/vision/convnext.ts';
import { drawShape, shapeNames } from './shapes.ts';

const folder = 'runs/example-classifier';
const side = 32;
const batchSize = 64;

// The model: images -> four stages of convolutions -> mean over places -> one score per shape.
const scope = createScope();
const config = { depths: [1, 1, 2, 1], dims: [24, 48, 96, 128], kernelSize: 5, layerScale: 0.5 };
const images = input('images', 'float32', ['batch', 3, side, side]);
const labels = input('labels', 'int64', ['batch']);
const maps = convNext(scope.at('encoder'), config)(images);
const features = reduceMean(maps[2], { axes: [2, 3] });
const logits = linear(scope.at('head'), config.dims[2], shapeNames.length)(features);

/** Random pictures that belong to a key. */
function drawBatch(key: string, count: number): Feeds {
  const random = createRandom(key);
  const pixels = hostTensor('float32', [count, 3, side, side]);
  const shapes = Array.from({ length: count }, () => random.int(0, shapeNames.length - 1));
  const size = 3 * side * side;
  shapes.forEach((shape, i) => {
    drawShape(shape, side, random, pixels.data.subarray(i * size, (i + 1) * size));
  });
  return { images: pixels, labels: hostTensor('int64', [count], shapes) };
}

const started = performance.now();
await rm(folder, { recursive: true, force: true });
const { parameters } = await runStage(
  {
    name: 'example-classifier',
    settings: {
      seed: 1,
      steps: 600,
      learningRate: 3e-3,
      warmupSteps: 30,
      finalRate: 0.01,
      maxNorm: 1,
      weightDecay: 0.05,
      validateEvery: 600,
    },
    loss: crossEntropy(logits, labels),
    metrics: { accuracy: accuracy(logits, labels) },
    makeBatch: async (step) => drawBatch(`train ${step}`, batchSize),
    run: runFeeds,
  },
  {
    folder,
    onProgress: ({ step, metrics }) => {
      if (step % 50 === 0) console.log(`step ${step}: loss ${metrics.loss.toFixed(3)}, accuracy ${metrics.accuracy}`);
    },
  },
);

const session = await Session.create({ right: accuracy(logits, labels) }, storedParameters(parameters));
const { right } = await session.run(drawBatch('test', 2000));
const seconds = (performance.now() - started) / 1000;
console.log(`${(100 * Number(right.data[0])).toFixed(1)} % of 2,000 new pictures right, after ${seconds.toFixed(0)} s`);
console.log(`curves: ${folder}/curves.png`);
await session.dispose();
