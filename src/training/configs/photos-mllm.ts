/**
 * A multimodal model for photographs that sees with the bundled detector: 169 image tokens, objects pooled from the
 * detector's maps and scores, the language model of nano.
 *
 * Commands: `chatrex train align --config photos --detector models/photo --proposer models/photo --data
 * coco:instances.json,images=photos --out runs/align`, then `chatrex train instruct --config photos --from runs/align
 * --proposer models/photo --data ... --out runs/instruct`.
 *
 * It has not been trained to its end yet, so that there are no figures of time and score.
 */

import { chatRexPresets } from '../../chatrex/config.ts';
import type { MllmTraining } from '../mllm/config.ts';

/** Captions are there only where the data has some. */
const mixture = {
  detection: 4,
  counting: 2,
  'region-caption': 2,
  'region-qa': 6,
  'brief-caption': 1,
  conversation: 1,
} as const;

/** Without data: `--data` gives it. The detector stays as it is, so that every image is encoded once. */
export const photosAlign: Omit<MllmTraining, 'data'> = {
  seed: 1,
  steps: 8000,
  learningRate: 1e-3,
  warmupSteps: 200,
  finalRate: 0.05,
  maxNorm: 1,
  weightDecay: 0.02,
  validateEvery: 500,
  model: chatRexPresets.photo,
  parts: 2,
  batchSize: 2,
  // What things are called comes first: the detector's scores say most of it.
  lessons: [{ steps: 800, mixture: { 'region-caption': 12, detection: 8 }, regionStyle: 'category' }],
  mixture,
  room: 352,
  proposals: 12,
  foundShare: 0.7,
  namingWeight: 0.5,
  boxJitter: 0.05,
  encodersLearn: false,
};

/** The detector has seen a hundred thousand photographs; the few that there are here would teach it to forget them. */
export const photosInstruct: Omit<MllmTraining, 'data'> = {
  ...photosAlign,
  steps: 20_000,
  learningRate: 4e-4,
  warmupSteps: 100,
  finalRate: 0.02,
  lessons: [],
};
