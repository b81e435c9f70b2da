/**
 * Makes scores of the bundled detector of photographs mean what they say: fits, per scale, how likely a box with a
 * score holds an object, and how likely it is also named rightly. Writes both into the `config.json` of the model.
 *
 *     npx tsx tools/calibrate-nanodet.ts ../shared/photos/coco ../shared/photos/coco-val [--model models/photo/upn] [--split val2017]
 *
 * A folder holds `instances.json` and `images/`. Only images that the network did not learn from tell the truth about
 * it: of a file that names splits, `val2017` alone. What is written was fitted on all of them; what is printed is of
 * fits on one half, judged on the other.
 */

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeAll, writeBeside } from '../src/files.ts';
import { decodeImage } from '../src/image/decode.ts';
import type { ImageSize } from '../src/image/rgb-image.ts';
import { locateNetwork } from '../src/proposals/locate.ts';
import {
  formatNanoDetConfig,
  type Logistic,
  type NanoDetConfig,
  parseNanoDetConfig,
  sizesOf,
} from '../src/proposals/nanodet/config.ts';
import { type Detection, keptDetections, probability } from '../src/proposals/nanodet/detections.ts';
import { NanoDet } from '../src/proposals/nanodet/nanodet.ts';
import { nanoDetParameters } from '../src/vision/nanodet/network.ts';
import { openCheckpoint } from '../src/weights/checkpoint.ts';
import { storedWeights } from '../src/weights/storage.ts';
import { type AnnotatedImage, annotatedImages, rightBoxes } from './coco/annotated-images.ts';
import { fitLogistic, type Outcome } from './coco/logistic-fit.ts';

const { values: options, positionals: folders } = parseArgs({
  allowPositionals: true,
  options: { model: { type: 'string', default: 'models/photo/upn' }, split: { type: 'string', default: 'val2017' } },
});

/** What the network said of an image, whatever its scores mean. */
interface Seen {
  readonly image: AnnotatedImage;
  readonly size: ImageSize;
  readonly detections: readonly Detection[];
}

const located = await locateNetwork(options.model);
const config = parseNanoDetConfig(located.isFolder && located.config);
const { tensors } = await openCheckpoint(located.path);
const network = new NanoDet({ config, weights: storedWeights(nanoDetParameters(sizesOf(config)), tensors) });
const images = (await Promise.all(folders.map((folder) => annotatedImages(folder, options.split)))).flat();
const seen: Seen[] = [];
for (const image of images) {
  const { data, ...size } = await decodeImage(image.path);
  seen.push({ image, size, detections: await network.detections({ data, ...size }, config.scales, 0) });
}
await network.dispose();

const halves = [0, 1].map((half) => seen.filter((_, i) => i % 2 === half));
const judged = halves.map((learned, half) => outcomesOf(halves[1 - half], fitted(config, learned)));
for (const kind of ['object', 'category'] as const) {
  const all = judged.flatMap((outcomes) => outcomes.flatMap((scale) => scale[kind]));
  process.stdout.write(`${kind}: probability -> share that is right (boxes), halves that were not fitted\n`);
  for (let from = 0; from < 1; from += 0.1) {
    const inside = all.filter(({ score }) => score >= from && score < from + 0.1);
    if (inside.length === 0) continue;
    const mean = (value: (one: Judged) => number) => inside.reduce((sum, one) => sum + value(one), 0) / inside.length;
    const [said, right] = [mean(({ score }) => score), mean(({ isRight }) => Number(isRight))];
    process.stdout.write(`  ${said.toFixed(2)} -> ${right.toFixed(2)} (${inside.length})\n`);
  }
}
const bytes = new TextEncoder().encode(formatNanoDetConfig(fitted(config, seen)));
await writeBeside(join(located.path, 'config.json'), (file) => writeAll(file, bytes));

interface Judged {
  readonly logit: number;
  readonly score: number;
  readonly isRight: boolean;
}

type ScaleOutcomes = Readonly<Record<'object' | 'category', Judged[]>>;

/**
 * Which of two overlapping boxes of two scales is kept depends on what their scores mean, so it is fitted a few times.
 */
function fitted(from: NanoDetConfig, all: readonly Seen[]): NanoDetConfig {
  let current = from;
  for (let round = 0; round < 4; round++) {
    const outcomes = outcomesOf(all, current);
    const pairs = (judgements: readonly Judged[]) => judgements.map(({ logit, isRight }): Outcome => [logit, isRight]);
    current = {
      ...current,
      scales: current.scales.map((scale, i) => ({
        ...scale,
        calibration: {
          object: rounded(fitLogistic(pairs(outcomes[i].object))),
          category: rounded(fitLogistic(pairs(outcomes[i].category))),
        },
      })),
    };
  }
  return current;
}

function rounded({ slope, offset }: Logistic): Logistic {
  return { slope: Number(slope.toFixed(3)), offset: Number(offset.toFixed(3)) };
}

/** Per scale, the boxes that are kept and whether they are right. */
function outcomesOf(all: readonly Seen[], current: NanoDetConfig): ScaleOutcomes[] {
  const outcomes: ScaleOutcomes[] = current.scales.map(() => ({ object: [], category: [] }));
  for (const { image, detections } of all) {
    // Detections carry the scale they were made with; it is read as it is now.
    const reread = detections.map((one) => ({ ...one, scale: current.scales[config.scales.indexOf(one.scale)] }));
    const kept = keptDetections(reread, { nmsIou: current.nmsIou, maxBoxes: 100 });
    const right = rightBoxes(
      {
        boxesXyxy: Float32Array.from(kept.flatMap(({ boxXyxy }) => boxXyxy)),
        scores: Float32Array.from(kept, ({ logit, scale }) => probability(scale.calibration.object, logit)),
        categories: kept.map(({ category }) => current.categories[category]),
      },
      image,
    );
    kept.forEach(({ logit, scale }, i) => {
      if (right.isIgnored[i]) return;
      const { object, category } = scale.calibration;
      const outcome = outcomes[current.scales.indexOf(scale)];
      outcome.object.push({ logit, score: probability(object, logit), isRight: right.isObject[i] });
      outcome.category.push({ logit, score: probability(category, logit), isRight: right.isNamed[i] });
    });
  }
  return outcomes;
}
