/**
 * How often the detector alone names true boxes rightly, by the scores that objects' tokens carry: what a language
 * model behind it begins with.
 *
 *     npx tsx tools/photo/name-true-boxes.ts FOLDER... [--split val2017] [--count 1000]
 *
 * A folder holds `instances.json` and `images/`. `--count`: how many predictions of each size of an image are kept.
 */

import { parseArgs } from 'node:util';
import { normalizeBoxes, xywhToXyxy, xyxyToCxcywh } from '../../src/boxes/convert.ts';
import { chatRexPresets } from '../../src/chatrex/config.ts';
import { pixelFeeds } from '../../src/chatrex/preprocess.ts';
import { decodeImage } from '../../src/image/decode.ts';
import { createScope } from '../../src/nn/scope.ts';
import { scoresOfBoxes } from '../../src/objects/predicted-scores.ts';
import { loadStoredNetwork } from '../../src/proposals/load-proposal-network.ts';
import { hostTensor } from '../../src/runtime/host-tensor.ts';
import { Session } from '../../src/runtime/session.ts';
import { input } from '../../src/tensor/ops/input.ts';
import { mapEncoder } from '../../src/vision/map-encoder.ts';
import { annotatedImages } from '../coco/annotated-images.ts';

const { values: options, positionals: folders } = parseArgs({
  allowPositionals: true,
  options: { split: { type: 'string' }, count: { type: 'string', default: '1000' } },
});
const { photo } = chatRexPresets;
const stored = await loadStoredNetwork('photo');
if (stored.kind !== 'nanodet') throw new Error('models/photo/upn: expected the detector');
const { categories } = stored.config;
const high = { ...photo.high, predictions: { count: Number(options.count), scale: 1 } };
const model = { ...photo, high };
const side = 2 * photo.imageSize;
const { predictions } = mapEncoder(createScope(), high)(input('pixelsHigh', 'float32', [1, 3, side, side]));
const boxes = input('boxes', 'float32', [1, 'boxes', 4]);
const [once, twice] = predictions.map((one) => scoresOfBoxes(one, boxes));
const session = await Session.create({ once, twice }, stored.weights);

const images = (await Promise.all(folders.map((folder) => annotatedImages(folder, options.split)))).flat();
const rules = {
  '416 pixels': (a: number, _: number) => a,
  '832 pixels': (_: number, b: number) => b,
  'both, summed': (a: number, b: number) => a + b,
};
const right = new Map(Object.keys(rules).map((rule) => [rule, 0]));
let asked = 0;
for (const { path, truths, categoryIds } of images) {
  const image = await decodeImage(path);
  const nameOf = new Map(Array.from(categoryIds, ([name, id]) => [id, name]));
  const objects = truths.filter(({ isCrowd }) => !isCrowd);
  if (objects.length === 0) continue;
  const xyxy = xywhToXyxy(Float64Array.from(objects.flatMap(({ boxXywh }) => boxXywh)));
  const shares = normalizeBoxes(xyxyToCxcywh(xyxy), image.width, image.height);
  const seen = await session.run({
    pixelsHigh: pixelFeeds([image], model).pixelsHigh,
    boxes: hostTensor('float32', [1, objects.length, 4], Float32Array.from(shares)),
  });
  const [a, b] = [seen.once.data as Float32Array, seen.twice.data as Float32Array];
  objects.forEach(({ categoryId }, k) => {
    asked++;
    for (const [rule, score] of Object.entries(rules)) {
      const scores = categories.map((_, c) => score(a[k * categories.length + c], b[k * categories.length + c]));
      const best = categories[scores.indexOf(Math.max(...scores))];
      if (best === nameOf.get(categoryId)) right.set(rule, right.get(rule)! + 1);
    }
  });
}
await session.dispose();
process.stdout.write(`${asked} true boxes of ${images.length} images, named rightly:\n`);
for (const [rule, count] of right) process.stdout.write(`  ${rule.padEnd(14)} ${(count / asked).toFixed(3)}\n`);
