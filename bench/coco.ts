/**
 * Processor time of the COCO evaluation on 5,000 images with 100 detections each, 80 categories.
 *
 *     npx tsx bench/coco.ts [FOLDER] [--python PATH] [--rounds N]
 *
 * With a folder it writes the input there, for
 * `python tools/reference/metrics/coco.py FOLDER/annotations.json FOLDER/results.json` to time pycocotools on the same.
 * `--python` is an interpreter with `faster_coco_eval`: both then evaluate in turn, reading of the files excluded, and
 * the ratio of the medians is printed.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { BoxXywh } from '../src/boxes/box.ts';
import { evaluateCoco } from '../src/evaluation/metrics/coco.ts';
import type { DetectedBox, GroundTruthBox } from '../src/evaluation/metrics/records.ts';
import { createRandom } from './random.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { python: { type: 'string' }, rounds: { type: 'string', default: '5' } },
});
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

const timeOurs = (isClassAgnostic: boolean) => {
  const start = process.cpuUsage();
  const { metrics } = evaluateCoco(truths, detections, { isClassAgnostic });
  const { user, system } = process.cpuUsage(start);
  return { seconds: (user + system) / 1e6, metrics };
};
for (const isClassAgnostic of [false, true]) {
  const { seconds, metrics } = timeOurs(isClassAgnostic);
  console.log(JSON.stringify({ isClassAgnostic, cpuSeconds: Number(seconds.toFixed(2)), ...metrics }));
}

const [folder] = positionals;
const { python } = options;
if (folder || python) {
  const work = folder ?? mkdtempSync(join(tmpdir(), 'bench-coco-'));
  mkdirSync(work, { recursive: true });
  writeInput(work);
  if (python) compare(work, python);
  if (!folder) rmSync(work, { recursive: true });
}

function compare(input: string, interpreter: string): void {
  const script = fileURLToPath(new URL('coco_faster_coco_eval.py', import.meta.url));
  const files = ['annotations.json', 'results.json'].map((file) => join(input, file));
  const times: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
  let found = '';
  for (let round = 0; round < Number(options.rounds); round++) {
    const ours = timeOurs(false);
    times.ours.push(ours.seconds);
    const { stdout, stderr, status } = spawnSync(interpreter, [script, ...files], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${interpreter} ended with ${status}: ${stderr.slice(-2000)}`);
    const theirs = JSON.parse(stdout) as { seconds: number; AP: number };
    times.theirs.push(theirs.seconds);
    found = `AP: ours ${ours.metrics.AP}, theirs ${theirs.AP}`;
  }
  const median = (list: number[]) => list.toSorted((a, b) => a - b)[list.length >> 1];
  const [own, other] = [median(times.ours), median(times.theirs)];
  console.log(
    `processor time: ours ${own.toFixed(2)} s, faster-coco-eval ${other.toFixed(2)} s, ratio ${(own / other).toFixed(2)}; ${found}`,
  );
}

function writeInput(folder: string): void {
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
