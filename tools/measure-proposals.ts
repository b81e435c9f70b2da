/**
 * How well a proposal network finds what COCO annotates: average precision and recall without names and, where the
 * network names things, with them; and whether its scores are what they say.
 *
 *     npx tsx tools/measure-proposals.ts FOLDER... [--model photo] [--split val2017] [--fast] [--json]
 *
 * A folder holds `instances.json` and `images/`. Images without any box are left out: they were not looked at.
 */

import { parseArgs } from 'node:util';
import { xyxyToXywh } from '../src/boxes/convert.ts';
import { type CocoOptions, evaluateCoco } from '../src/evaluation/metrics/coco.ts';
import type { DetectedBox } from '../src/evaluation/metrics/records.ts';
import { loadProposalNetwork } from '../src/proposals/load-proposal-network.ts';
import { type AnnotatedImage, annotatedImages, rightBoxes } from './coco/annotated-images.ts';

const { values: options, positionals: folders } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: 'photo' },
    split: { type: 'string' },
    fast: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

const images = (await Promise.all(folders.map((folder) => annotatedImages(folder, options.split)))).flat();
const network = await loadProposalNetwork(options.model);
const boxes: DetectedBox[] = [];
const names: DetectedBox[] = [];
/** Score and whether the box was right, without and with its name. */
const verdicts = { object: [] as Verdict[], category: [] as Verdict[] };
type Verdict = readonly [score: number, isRight: boolean];

for (const [done, image] of images.entries()) {
  if (process.stderr.isTTY) process.stderr.write(`\r${done + 1} of ${images.length} images`);
  const [found] = await network.propose([image.path], { minScore: 0, fast: options.fast });
  const right = rightBoxes(found, image);
  const xywh = xyxyToXywh(found.boxesXyxy);
  found.scores.forEach((score, i) => {
    const boxXywh = Array.from(xywh.subarray(4 * i, 4 * i + 4)) as [number, number, number, number];
    const categoryId = image.categoryIds.get(found.categories?.[i] ?? '') ?? 0;
    boxes.push({ imageId: image.id, categoryId, boxXywh, score });
    if (!right.isIgnored[i]) verdicts.object.push([score, right.isObject[i]]);
    if (!found.categoryScores) return;
    names.push({ imageId: image.id, categoryId, boxXywh, score: found.categoryScores[i] });
    if (!right.isIgnored[i]) verdicts.category.push([found.categoryScores[i], right.isNamed[i]]);
  });
}
if (process.stderr.isTTY) process.stderr.write('\n');
await network.dispose();

const report = {
  images: images.length,
  'without names': figures(boxes, { isClassAgnostic: true }),
  ...(names.length > 0 && { 'with names': figures(names, {}) }),
  calibration: Object.fromEntries(Object.entries(verdicts).map(([kind, all]) => [kind, reliability(all)])),
};
if (options.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
else print(report);

function figures(detections: readonly DetectedBox[], scope: CocoOptions): Record<string, number> {
  const truths = images.flatMap((image: AnnotatedImage) => image.truths);
  const imageIds = images.map(({ id }) => id);
  const { AP, AP50, APs, APm, APl, AR10, AR100, ARs, ARm, ARl, AR100At50 } = evaluateCoco(truths, detections, {
    ...scope,
    imageIds,
  }).metrics;
  return { AP, AP50, APs, APm, APl, AR10, AR100, ARs, ARm, ARl, 'recall at IoU .5': AR100At50 };
}

/** Boxes by score: how many, the mean score, and the share that is right. */
function reliability(all: readonly Verdict[]): { from: number; boxes: number; score: number; right: number }[] {
  return Array.from({ length: 10 }, (_, i) => i / 10).flatMap((from) => {
    const inside = all.filter(([score]) => score >= from && score < from + 0.1);
    if (inside.length === 0) return [];
    const share = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const [score, right] = [share(inside.map(([value]) => value)), share(inside.map(([, isRight]) => Number(isRight)))];
    return [{ from, boxes: inside.length, score, right }];
  });
}

function print({ images: count, calibration, ...tables }: typeof report): void {
  const three = (value: number) => value.toFixed(3).replace(/^0/, '');
  process.stdout.write(`${count} images\n`);
  for (const [name, values] of Object.entries(tables)) {
    const cells = Object.entries(values as Record<string, number>).map(([key, value]) => `${key} ${three(value)}`);
    process.stdout.write(`${name}: ${cells.join('  ')}\n`);
  }
  for (const [kind, rows] of Object.entries(calibration)) {
    if (rows.length === 0) continue;
    process.stdout.write(`${kind}: score -> share that is right (boxes)\n`);
    for (const { score, right, boxes: n } of rows) {
      process.stdout.write(`  ${score.toFixed(2)} -> ${right.toFixed(2)} (${n})\n`);
    }
  }
}
