/** Held-out figures while a UPN trains: class-agnostic average precision and recall for both prompts. */

import { boxToXywh } from '../../boxes/convert.ts';
import type { Dataset, OpenContext } from '../../datasets/dataset.ts';
import { ChatRexError } from '../../errors.ts';
import { evaluateCoco } from '../../evaluation/metrics/coco.ts';
import type { DetectedBox, GroundTruthBox } from '../../evaluation/metrics/records.ts';
import { openDataset } from '../../open-dataset.ts';
import { filterPredictions } from '../../proposals/post-process.ts';
import { proposalGraph } from '../../proposals/upn.ts';
import type { HostTensor } from '../../runtime/host-tensor.ts';
import { Session } from '../../runtime/session.ts';
import type { Metrics } from '../metrics.ts';
import type { Validation } from '../mixture.ts';
import { type ParameterSet, storedParameters } from '../parameters.ts';
import { type UpnExample, upnBatch, upnExample } from './batch.ts';
import { granularities, type UpnTrainingConfig } from './loss.ts';

/** As in use, but with every score: average precision wants the whole curve. */
const filter = { minScore: 0, nmsIou: 0.8, maxBoxes: 100 };

/** @returns `fine AP` and so on; a prompt that no image covers has no figures */
export async function validateUpn(
  config: UpnTrainingConfig,
  { data, count }: Validation,
  context: OpenContext,
  parameters: ParameterSet,
): Promise<Metrics> {
  const dataset = await openDataset(data, context);
  try {
    return await validateUpnOn(config, dataset, Math.min(count, dataset.size), parameters);
  } finally {
    await dataset.close();
  }
}

/** The first `count` samples, each as the network sees it in use. */
export async function validateUpnOn(
  config: UpnTrainingConfig,
  dataset: Dataset,
  count: number,
  parameters: ParameterSet,
): Promise<Metrics> {
  const { upn, canvases, isPadded } = config;
  const sessions = new Map<number, Session>();
  const found = { fine: new Records(), coarse: new Records() };
  try {
    for (let index = 0; index < count; index++) {
      const canvas = await canvasOf(config, dataset, index);
      const example = await upnExample(dataset, index, config, canvas).catch(skipUnreadable);
      if (!example) continue;
      let session = sessions.get(canvas);
      if (!session) {
        const graph = proposalGraph(upn, canvases[canvas], isPadded, granularities);
        session = await Session.create(graph, storedParameters(parameters));
        sessions.set(canvas, session);
      }
      const { feeds } = upnBatch([example], config, canvas);
      const results = await session.run({ images: feeds.pixels, ...(isPadded && { padding: feeds.padding }) });
      for (const granularity of granularities) found[granularity].add(index, example, granularity, results);
    }
  } finally {
    await Promise.all([...sessions.values()].map((session) => session.dispose()));
  }
  return Object.assign({}, ...granularities.map((granularity) => found[granularity].evaluate(granularity)));
}

/** Images that cannot be read have no figures, as they have no place in training. */
function skipUnreadable(error: unknown): null {
  if (error instanceof ChatRexError) return null;
  throw error;
}

/** The canvas on which an image is largest. */
async function canvasOf({ canvases }: UpnTrainingConfig, dataset: Dataset, index: number): Promise<number> {
  const { width, height } = await dataset.imageSize(index);
  const scales = canvases.map((canvas) => Math.min(canvas.width / width, canvas.height / height));
  return scales.indexOf(Math.max(...scales));
}

class Records {
  readonly truths: GroundTruthBox[] = [];
  readonly detections: DetectedBox[] = [];
  readonly imageIds: number[] = [];

  /** Images whose annotations are complete for the prompt; ignored regions are crowds. */
  add(imageId: number, example: UpnExample, granularity: 'fine' | 'coarse', results: Record<string, HostTensor>): void {
    const truth = example.truths[granularity];
    if (!truth?.isComplete) return;
    this.imageIds.push(imageId);
    const { width, height } = example.image;
    const record = (x1: number, y1: number, x2: number, y2: number) => {
      return { imageId, categoryId: 1, boxXywh: boxToXywh([x1, y1, x2, y2]) };
    };
    for (const [boxes, isCrowd] of [
      [truth.objects, false],
      [truth.ignored, true],
    ] as const) {
      for (let k = 0; k < boxes.length; k += 4) {
        const [cx, cy, w, h] = boxes.subarray(k, k + 4);
        const [left, top] = [(cx - w / 2) * width, (cy - h / 2) * height];
        this.truths.push({ ...record(left, top, left + w * width, top + h * height), isCrowd });
      }
    }
    const predictions = {
      granularity,
      logits: results[`${granularity} logits`].data as Float32Array,
      boxesCxcywhNormalized: results[`${granularity} boxes`].data as Float32Array,
    };
    const { boxesXyxy, scores } = filterPredictions([predictions], example.image, filter);
    scores.forEach((score, i) => {
      const [x1, y1, x2, y2] = boxesXyxy.subarray(4 * i, 4 * i + 4);
      this.detections.push({ ...record(x1, y1, x2, y2), score });
    });
  }

  evaluate(granularity: string): Metrics {
    if (this.imageIds.length === 0) return {};
    const options = { imageIds: this.imageIds, isClassAgnostic: true };
    const { AP, AP50, AR100At50 } = evaluateCoco(this.truths, this.detections, options).metrics;
    return Object.fromEntries(
      Object.entries({ AP, AP50, AR100At50 }).map(([name, value]) => [`${granularity} ${name}`, value]),
    );
  }
}
