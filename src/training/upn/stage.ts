/** UPN training as a stage: images of any data sets, a backbone that may start from vision pre-training. */

import type { Mixture } from '../../datasets/mixture-spec.ts';
import { ChatRexError } from '../../errors.ts';
import type { ImageSize } from '../../image/rgb-image.ts';
import { createScope } from '../../nn/scope.ts';
import { createRandom } from '../../random.ts';
import { datasetOf, type OpenedMixture, openMixture, type Validation } from '../mixture.ts';
import type { PartedSettings, Stage, StageContext, StageGraph } from '../run.ts';
import { type UpnBatch, type UpnExample, upnBatch, upnExample } from './batch.ts';
import { createBatchPlanner } from './canvas.ts';
import { type UpnTrainingConfig, upnTrainingGraph } from './loss.ts';
import { upnStep } from './step.ts';
import { validateUpn } from './validate.ts';

export interface UpnTraining extends PartedSettings, UpnTrainingConfig {
  readonly data: Mixture;
  /** Figures are taken on its first samples while it trains; none by default. */
  readonly validation?: Validation;
  /** Factor of the learning rate for the backbone, which knows something already. */
  readonly backboneRate: number;
}

/** Beginning of the names of the backbone, which may come from vision pre-training. */
export const upnBackbone = 'backbone.model.backbone.';

export async function openUpnStage(config: UpnTraining, context: StageContext): Promise<Stage<UpnBatch>> {
  const { seed, canvases } = config;
  requireCanvases(config);
  const mixture = await openMixture(config.data, seed, context);
  const plan = createBatchPlanner(config, (position) => sizeAt(mixture, position));
  const graphs = canvases.map((_, canvas) => upnTrainingGraph(createScope(), config, canvas));
  return {
    name: 'upn',
    settings: config,
    fingerprint: mixture.fingerprint,
    graphs: graphs as [StageGraph, ...StageGraph[]],
    graphOf: ({ canvas }) => canvas,
    group: (name) => {
      if (name.startsWith(upnBackbone)) return { learningRateScale: config.backboneRate };
      // Sampling places move slowly, as in Deformable DETR.
      return name.includes('sampling_offsets') ? { learningRateScale: 0.2 } : {};
    },
    makeBatch: async (step, part) => {
      const { canvas, positions } = await plan(step, part);
      const examples = await Promise.all(positions.map((position) => readExample(mixture, config, canvas, position)));
      return upnBatch(examples, config, canvas);
    },
    run: (session, batch, step, part) => upnStep(session, config, batch, `upn/${seed}/${step}/${part}/noise`),
    validate: config.validation && ((parameters) => validateUpn(config, config.validation!, context, parameters)),
    close: () => mixture.close(),
  };
}

/** The image at a position as augmentation shows it; null where it cannot be read. */
async function readExample(
  mixture: OpenedMixture,
  config: UpnTraining,
  canvas: number,
  position: number,
): Promise<UpnExample | null> {
  const draw = mixture.order(position);
  const random = createRandom(`upn/${config.seed}/${position}/view`);
  try {
    return await upnExample(datasetOf(mixture, draw), draw.index, config, canvas, random);
  } catch (error) {
    if (error instanceof ChatRexError) return null;
    throw error;
  }
}

async function sizeAt(mixture: OpenedMixture, position: number): Promise<ImageSize | undefined> {
  const draw = mixture.order(position);
  return datasetOf(mixture, draw)
    .imageSize(draw.index)
    .catch(() => undefined);
}

/** Every level of the network must have whole maps. */
function requireCanvases({ canvases, upn, isPadded }: UpnTrainingConfig): void {
  const multiple = Math.max(...upn.backboneStages.map((stage) => 4 * 2 ** stage));
  for (const { width, height } of canvases) {
    if (width % multiple === 0 && height % multiple === 0) continue;
    throw new ChatRexError(
      'invalid-argument',
      `canvas ${width} x ${height}: expected multiples of ${multiple}, the coarsest stride of the backbone`,
    );
  }
  if (!isPadded && canvases.length > 1) {
    throw new ChatRexError('invalid-argument', 'several canvases need padding; set isPadded');
  }
}
