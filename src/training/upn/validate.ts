/** Held-out figures while a UPN trains: class-agnostic average precision and recall for both prompts. */

import type { BoxXywh } from '../../boxes/box.ts';
import { cxcywhToXyxy } from '../../boxes/convert.ts';
import { nms } from '../../boxes/nms.ts';
import { evaluateCoco } from '../../evaluation/metrics/coco.ts';
import type { DetectedBox, GroundTruthBox } from '../../evaluation/metrics/records.ts';
import { createScope } from '../../nn/scope.ts';
import { proposeFor, upnNetwork } from '../../proposals/network.ts';
import type { HostTensor } from '../../runtime/host-tensor.ts';
import { Session } from '../../runtime/session.ts';
import { input } from '../../tensor/ops/input.ts';
import type { Scene } from '../../world/scene.ts';
import type { Metrics } from '../loop.ts';
import { type ParameterSet, storedParameters } from '../parameters.ts';
import { upnBatch } from './batch.ts';
import { granularities, type UpnTrainingConfig } from './loss.ts';

const nmsIou = 0.8;
const maxBoxes = 100;

/** Images are taken in batches of the training's size; `scenes` beyond the last whole batch are left out. */
export async function validateUpn(
  { upn, batchSize, imageSize }: UpnTrainingConfig,
  parameters: ParameterSet,
  scenes: readonly Scene[],
): Promise<Metrics> {
  const network = upnNetwork(createScope(), upn);
  const encoded = network.encode(input('pixels', 'float32', [batchSize, 3, imageSize, imageSize]), null);
  const outputs = Object.fromEntries(
    granularities.flatMap((granularity) => {
      const { predictions } = proposeFor(network, encoded, granularity);
      return [
        [`${granularity} logits`, predictions.logits[predictions.logits.length - 1]],
        [`${granularity} boxes`, predictions.boxesCxcywhNormalized[predictions.boxesCxcywhNormalized.length - 1]],
      ];
    }),
  );
  const session = await Session.create(outputs, storedParameters(parameters));
  const found = { fine: new Records(), coarse: new Records() };
  try {
    for (let start = 0; start + batchSize <= scenes.length; start += batchSize) {
      const batch = upnBatch(scenes.slice(start, start + batchSize), imageSize);
      const results = await session.run(batch.feeds);
      for (const granularity of granularities) {
        const [logits, boxes] = [results[`${granularity} logits`], results[`${granularity} boxes`]];
        batch.objects[granularity].forEach((objects, i) => {
          found[granularity].add(
            start + i,
            objects,
            logits as HostTensor<'float32'>,
            boxes as HostTensor<'float32'>,
            i,
            imageSize,
          );
        });
      }
    }
  } finally {
    await session.dispose();
  }
  return Object.fromEntries(
    granularities.flatMap((granularity) => {
      const { AP, AP50, AR100At50 } = found[granularity].evaluate();
      return Object.entries({ AP, AP50, AR100At50 }).map(([name, value]) => [`${granularity} ${name}`, value]);
    }),
  );
}

class Records {
  readonly truths: GroundTruthBox[] = [];
  readonly detections: DetectedBox[] = [];
  readonly imageIds: number[] = [];

  add(
    imageId: number,
    objects: Float32Array,
    logits: HostTensor<'float32'>,
    boxes: HostTensor<'float32'>,
    row: number,
    imageSize: number,
  ): void {
    this.imageIds.push(imageId);
    const record = (box: Float32Array) => ({ imageId, categoryId: 1, boxXywh: xywh(box, imageSize) });
    for (let k = 0; k < objects.length; k += 4) this.truths.push(record(objects.subarray(k, k + 4)));
    const count = logits.shape[1];
    const scores = logits.data.subarray(row * count, (row + 1) * count).map((logit) => 1 / (1 + Math.exp(-logit)));
    const own = boxes.data.subarray(row * count * 4, (row + 1) * count * 4);
    for (const i of nms(cxcywhToXyxy(own), scores, nmsIou).slice(0, maxBoxes)) {
      this.detections.push({ ...record(own.subarray(4 * i, 4 * i + 4)), score: scores[i] });
    }
  }

  evaluate() {
    return evaluateCoco(this.truths, this.detections, { imageIds: this.imageIds, isClassAgnostic: true }).metrics;
  }
}

const xywh = ([cx, cy, width, height]: Float32Array, size: number): BoxXywh => [
  (cx - width / 2) * size,
  (cy - height / 2) * size,
  width * size,
  height * size,
];
