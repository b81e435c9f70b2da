/** `chatrex/evaluation`: measures that read records, and suites that ask a model and keep every answer. */

export { type EvaluateOptions, type Evaluation, evaluate } from '../evaluation/evaluate.ts';
export { evaluateCoco } from '../evaluation/metrics/coco.ts';
export { evaluateCounting } from '../evaluation/metrics/counting.ts';
export { evaluateDetection } from '../evaluation/metrics/precision-recall.ts';
export type { DetectedBox, GroundTruthBox } from '../evaluation/metrics/records.ts';
export { evaluateReferring } from '../evaluation/metrics/referring.ts';
export type { Suite } from '../evaluation/suite.ts';
