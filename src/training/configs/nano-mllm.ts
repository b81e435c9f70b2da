/**
 * The bundled multimodal model: 64 image tokens, at most 100 objects, a Llama of six layers, trained on all ten tasks.
 *
 * Commands: `chatrex train align --config nano --vision runs/vision --out runs/align`, then
 * `chatrex train instruct --config nano --from runs/align --out runs/instruct`. Time and score: see docs/log.md.
 *
 * There is no pre-trained language model here, so `align` trains the language model too; only the encoders stay as they
 * are.
 */

import { chatRexPresets } from '../../chatrex/config.ts';
import type { MllmTraining } from '../mllm/config.ts';
import { worldData } from './world-data.ts';

/**
 * Samples to try per image and task: about twice as many as fit into `room` tokens. Expressions and questions have the
 * most kinds, and are learned last; captions are not learned where every fourth image has one (docs/log.md,
 * 2026-11-26).
 */
const mixture = {
  detection: 3,
  'long-tail-detection': 1,
  'phrase-grounding': 1,
  referring: 3,
  'region-caption': 1,
  'region-qa': 6,
  'brief-caption': 1,
  'detailed-caption': 1,
  counting: 2,
  conversation: 1,
} as const;

export const nanoAlign: MllmTraining = {
  seed: 1,
  steps: 6000,
  learningRate: 1e-3,
  warmupSteps: 200,
  finalRate: 0.05,
  maxNorm: 1,
  weightDecay: 0.02,
  validateEvery: 500,
  model: chatRexPresets.nano,
  parts: 2,
  batchSize: 2,
  data: [{ data: worldData('train', 1, 6000), weight: 1 }],
  lessons: [{ steps: 800, mixture: { 'region-caption': 12, detection: 8 }, regionStyle: 'category' }],
  mixture,
  room: 352,
  proposals: 12,
  foundShare: 0.7,
  namingWeight: 0.5,
  boxJitter: 0.05,
  encodersLearn: false,
  validation: { data: worldData('val', 1, 100), count: 100 },
};

/** The encoders learn to name on; a higher rate keeps them from it (docs/log.md). */
export const nanoInstruct: MllmTraining = {
  ...nanoAlign,
  steps: 20_000,
  learningRate: 4e-4,
  warmupSteps: 100,
  finalRate: 0.02,
  // The full mixture alone does not teach positions, spatial relations and yes/no questions, so they come first
  // (docs/log.md, 2026-11-26).
  lessons: [
    { steps: 200, mixture: { 'region-caption': 2, 'region-qa': 24 }, regionQuestions: ['where', 'relation'] },
    {
      steps: 300,
      mixture: { 'region-caption': 2, referring: 3, 'region-qa': 24 },
      regionQuestions: ['where', 'relation', 'isRelated', 'larger', 'howManyHeld', 'colourOf'],
    },
    {
      steps: 450,
      mixture: { 'region-caption': 1, referring: 2, 'region-qa': 24 },
      regionQuestions: ['isA', 'isA', 'isA', 'isRelated', 'exists', 'colourOf', 'howManyHeld'],
    },
    // What a lesson leaves out is forgotten, so this one leaves out nothing that the others taught.
    {
      steps: 300,
      mixture: { 'region-caption': 1, referring: 2, 'region-qa': 24 },
      regionQuestions: [
        ...(['where', 'where', 'where', 'relation', 'relation', 'howManyHeld'] as const),
        ...(['neighbour', 'isA', 'isRelated', 'larger'] as const),
      ],
    },
    // Both captions of every image, and a little of everything else.
    {
      steps: 700,
      mixture: {
        detection: 1,
        referring: 1,
        'region-caption': 1,
        'region-qa': 2,
        'brief-caption': 1,
        'detailed-caption': 1,
        counting: 1,
      },
    },
  ],
  data: [{ data: worldData('train', 1, 20_000), weight: 1 }],
  encodersLearn: true,
};
