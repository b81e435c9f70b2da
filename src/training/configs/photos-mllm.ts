/**
 * A multimodal model for photographs that sees with the bundled detector: 169 image tokens, objects pooled from the
 * detector's maps and scores, the language model of nano.
 *
 * Command: `npm run reproduce:photo`, which also makes the lessons (tools/photo/make-data.ts) and says what each stage
 * is given: `align` starts from the language model of nano, `instruct` adds lessons of names. Time and score:
 * models/photo/README.md.
 */

import { chatRexPresets } from '../../chatrex/config.ts';
import type { MllmTraining } from '../mllm/config.ts';

/** Captions and expressions are there only where the data has some. */
const mixture = {
  detection: 4,
  'phrase-grounding': 1,
  referring: 1,
  'region-caption': 3,
  'region-qa': 5,
  'brief-caption': 2,
  counting: 2,
  conversation: 1,
} as const;

/** Without data: `--data` gives it. The detector stays as it is, so that every image is encoded once. */
export const photosAlign: Omit<MllmTraining, 'data'> = {
  seed: 1,
  steps: 2300,
  learningRate: 8e-4,
  warmupSteps: 100,
  finalRate: 0.03,
  maxNorm: 1,
  weightDecay: 0.02,
  validateEvery: 1000,
  // One scale finds the boxes beside the objects four times as fast as two.
  model: { ...chatRexPresets.photo, proposals: { ...chatRexPresets.photo.proposals, fast: true } },
  parts: 2,
  batchSize: 2,
  // What things are called comes first: the detector's scores say most of it.
  lessons: [{ steps: 250, mixture: { 'region-caption': 12, detection: 8 }, regionStyle: 'category' }],
  mixture,
  room: 352,
  proposals: 12,
  foundShare: 0.7,
  namingWeight: 0.5,
  boxJitter: 0.05,
  oneWordShare: 0.25,
  encodersLearn: false,
};

/** The detector has seen a hundred thousand photographs; the few that there are here would teach it to forget them. */
export const photosInstruct: Omit<MllmTraining, 'data'> = {
  ...photosAlign,
  steps: 2900,
  learningRate: 5e-4,
  lessons: [],
};
