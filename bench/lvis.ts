/**
 * Time and memory of scoring LVIS, the whole command with reading the files, beside faster-coco-eval on the same files.
 *
 * `npx tsx bench/lvis.ts FOLDER [--images N] [--boxes N] [--categories N] [--rounds N] [--python PATH]`
 * writes annotations and detections into FOLDER (kept there for the next time), then runs both in turn, each in a
 * process of its own, and prints medians and their ratios. The goal at 20,000 images x 300 boxes and 1,203 categories:
 * at most a third of the time, under 2 GB. `--python` is an interpreter with `faster_coco_eval`, which takes 1.5 GB for
 * every 1,000 images of 300 boxes; without it only ours is measured.
 */

import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createRandom } from './random.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    images: { type: 'string', default: '20000' },
    boxes: { type: 'string', default: '300' },
    categories: { type: 'string', default: '1203' },
    rounds: { type: 'string', default: '3' },
    python: { type: 'string' },
  },
});
const [folder] = positionals;
if (!folder) throw new Error('name a folder for the files');
const [images, boxes, categories, rounds] = [values.images, values.boxes, values.categories, values.rounds].map(Number);
const name = `${images}x${boxes}x${categories}`;
const [annotations, detections] = ['annotations', 'detections'].map((kind) => join(folder, `${kind}-${name}.json`));
mkdirSync(folder, { recursive: true });
if (!existsSync(annotations) || !existsSync(detections)) writeFiles();

const root = fileURLToPath(new URL('..', import.meta.url));
const built = join(root, 'dist/cli/main.js');
const command = existsSync(built) ? [built] : ['--import', 'tsx', join(root, 'src/cli/main.ts')];
const ours = () =>
  run(process.execPath, [...command, 'score', 'lvis', '--answers', detections, '--truth', annotations, '--json']);
const theirs = values.python
  ? () => run(values.python as string, [join(root, 'bench/lvis_faster_coco_eval.py'), annotations, detections])
  : undefined;

const times: { ours: Measured[]; theirs: Measured[] } = { ours: [], theirs: [] };
for (let round = 0; round < rounds; round++) {
  times.ours.push(ours());
  if (theirs) times.theirs.push(theirs());
}
const [own, other] = [summary(times.ours), summary(times.theirs)];
console.log(JSON.stringify({ files: name, ours: own, theirs: other }));
if (own && other) {
  console.log(
    `processor time: ${(own.seconds / other.seconds).toFixed(3)} of faster-coco-eval's, medians of ${rounds} pairs`,
  );
  console.log(`time on the wall: ${(own.wallSeconds / other.wallSeconds).toFixed(3)} of its`);
  console.log(`memory: ${(own.gigabytes / other.gigabytes).toFixed(3)} of its, ${own.gigabytes.toFixed(2)} GB`);
  console.log(`AP: ours ${own.AP}, theirs ${other.AP}`);
}

interface Measured {
  /** Of all threads, user and system. */
  seconds: number;
  wallSeconds: number;
  gigabytes: number;
  AP: number;
}

/** Processor time and peak memory of a command, as GNU time tells them. */
function run(program: string, args: readonly string[]): Measured {
  const { stdout, stderr, status } = spawnSync('/usr/bin/env', ['time', '-f', '%U %S %e %M', program, ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr.slice(-2000)}`);
  const [user, system, wallSeconds, kilobytes] = (stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  const { AP } = JSON.parse(stdout.slice(stdout.indexOf('{')));
  return { seconds: user + system, wallSeconds, gigabytes: kilobytes / 1e6, AP };
}

function summary(all: readonly Measured[]): Measured | undefined {
  const median = (key: keyof Measured) => all.map((one) => one[key]).sort((a, b) => a - b)[all.length >> 1];
  if (all.length === 0) return undefined;
  return {
    seconds: median('seconds'),
    wallSeconds: median('wallSeconds'),
    gigabytes: median('gigabytes'),
    AP: median('AP'),
  };
}

/** A dozen objects an image, long-tailed; detections near them, in the image's categories and in others. */
function writeFiles(): void {
  const random = createRandom(11);
  const pick = (count: number) => Math.floor(random() * count);
  const category = () => 1 + Math.floor(random() ** 3 * categories);
  const rounded = (value: number) => Math.round(value * 100) / 100;
  const truth = openSync(annotations, 'w');
  const found = openSync(detections, 'w');
  const imageLines: string[] = [];
  const annotationLines: string[] = [];
  writeSync(found, '[');
  for (let image = 1; image <= images; image++) {
    const objects = Array.from({ length: 1 + pick(24) }, () => ({
      category: category(),
      box: [random() * 400, random() * 300, 5 + random() * 200, 5 + random() * 150].map(rounded),
    }));
    const present = [...new Set(objects.map((object) => object.category))];
    const negative = Array.from({ length: 8 }, category).filter((id) => !present.includes(id));
    imageLines.push(
      JSON.stringify({
        id: image,
        width: 640,
        height: 480,
        neg_category_ids: [...new Set(negative)],
        not_exhaustive_category_ids: present.filter(() => random() < 0.1),
      }),
    );
    for (const { category: id, box } of objects) {
      const area = rounded(box[2] * box[3]);
      annotationLines.push(
        JSON.stringify({ id: annotationLines.length + 1, image_id: image, category_id: id, bbox: box, area }),
      );
    }
    const lines = Array.from({ length: boxes }, () => {
      const near = objects[pick(objects.length)];
      const shift = random() ** 2;
      const [x, y, width, height] = near.box;
      const bbox = [rounded(x + shift * width), rounded(y + shift * height), width, height];
      const id = random() < 0.5 ? near.category : category();
      const score = Math.round((1 - shift * random()) * 1e6) / 1e6;
      return JSON.stringify({ image_id: image, category_id: id, bbox, score });
    });
    writeSync(found, `${image === 1 ? '' : ','}${lines.join(',')}`);
  }
  writeSync(found, ']');
  const categoryLines = Array.from({ length: categories }, (_, i) =>
    JSON.stringify({ id: i + 1, name: `thing_${i + 1}`, frequency: 'fcr'[Math.floor((3 * i) / categories)] }),
  );
  writeSync(truth, `{"images":[${imageLines.join(',')}],"categories":[${categoryLines.join(',')}],"annotations":[`);
  writeSync(truth, annotationLines.join(','));
  writeSync(truth, ']}');
  closeSync(truth);
  closeSync(found);
}
