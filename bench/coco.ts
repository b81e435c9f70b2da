/**
 * Processor time of the COCO evaluation on 5,000 images with 100 detections each, 80 categories.
 * `npx tsx bench/coco.ts [FOLDER]`: with a folder, writes the input there, for
 * `python tools/reference/metrics/coco.py FOLDER/annotations.json FOLDER/results.json` to time pycocotools on the same.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BoxXywh } from '../src/boxes/box.ts';
import { evaluateCoco } from '../src/evaluation/metrics/coco.ts';
import type { DetectedBox, GroundTruthBox } from '../src/evaluation/metrics/records.ts';
import { createRandom } from './random.ts';

const random = createRandom(3);
const pick = (count: number) => Math.floor(random() * count);
const truths: GroundTruthBox[] = [];
const detections: DetectedBox[] = [];
for (let imageId = 1; imageId <= 5000; imageId++) {
  const first = truths.length;
  for (let i = 1 + pick(14); i > 0; i--) {
    const boxXywh: BoxXywh = [random() * 400, random() * 300, 5 + random() * 200, 5 + random() * 150];
    // Skewed like COCO's: a few categories have most of the objects.
    truths.push({ imageId, categoryId: 1 + Math.floor(random() ** 2 * 80), boxXywh, isCrowd: random() < 0.01 });
  }
  for (let i = 0; i < 100; i++) {
    const near = truths[first + pick(truths.length - first)];
    const [x, y, width, height] = near.boxXywh;
    const shift = random() ** 2;
    const boxXywh: BoxXywh = [x + shift * width, y + shift * height, width, height];
    const categoryId = random() < 0.7 ? near.categoryId : 1 + pick(80);
    detections.push({ imageId, categoryId, boxXywh, score: 1 - shift * random() });
  }
}

for (const isClassAgnostic of [false, true]) {
  const start = process.cpuUsage();
  const { metrics } = evaluateCoco(truths, detections, { isClassAgnostic });
  const { user, system } = process.cpuUsage(start);
  const seconds = (user + system) / 1e6;
  console.log(JSON.stringify({ isClassAgnostic, cpuSeconds: Number(seconds.toFixed(2)), ...metrics }));
}

const folder = process.argv[2];
if (folder) {
  const annotations = truths.map(({ imageId, categoryId, boxXywh, isCrowd }, i) => ({
    id: i + 1,
    image_id: imageId,
    category_id: categoryId,
    bbox: boxXywh,
    area: boxXywh[2] * boxXywh[3],
    iscrowd: Number(isCrowd),
  }));
  const images = Array.from({ length: 5000 }, (_, i) => ({ id: i + 1 }));
  const categories = Array.from({ length: 80 }, (_, i) => ({ id: i + 1, name: `category ${i + 1}` }));
  const results = detections.map(({ imageId, categoryId, boxXywh, score }) => ({
    image_id: imageId,
    category_id: categoryId,
    bbox: boxXywh,
    score,
  }));
  writeFileSync(join(folder, 'annotations.json'), JSON.stringify({ images, categories, annotations }));
  writeFileSync(join(folder, 'results.json'), JSON.stringify(results));
}
