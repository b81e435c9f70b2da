/** `chatrex/evaluation`: measures that read records, and suites that ask a model and keep every answer. */

export { type Comparison, comparePair, compareRuns } from '../evaluation/compare.ts';
export { type CocoSuiteOptions, cocoSuite } from '../evaluation/data-suites/coco.ts';
export { countingSuite } from '../evaluation/data-suites/counting.ts';
export { proposalsSuite } from '../evaluation/data-suites/proposals.ts';
export { referringSuite } from '../evaluation/data-suites/referring.ts';
export { regionsSuite } from '../evaluation/data-suites/regions.ts';
export { type EndpointOptions, EndpointSubject } from '../evaluation/endpoint/endpoint-subject.ts';
export { type EvaluateOptions, type Evaluation, evaluate } from '../evaluation/evaluate.ts';
export { evaluateCoco } from '../evaluation/metrics/coco.ts';
export { evaluateCounting } from '../evaluation/metrics/counting.ts';
export { evaluateDetection } from '../evaluation/metrics/precision-recall.ts';
export type { DetectedBox, GroundTruthBox } from '../evaluation/metrics/records.ts';
export { evaluateReferring } from '../evaluation/metrics/referring.ts';
export { type EvaluatedModel, ModelSubject } from '../evaluation/model-subject.ts';
export { comparisonHtml } from '../evaluation/report/comparison-html.ts';
export { reportHtml } from '../evaluation/report/report-html.ts';
export type { Row } from '../evaluation/row.ts';
export { readRows } from '../evaluation/rows-file.ts';
export { type RunPair, readRunPair } from '../evaluation/run-pair.ts';
export type { SampleView } from '../evaluation/sample-view.ts';
export { scorers } from '../evaluation/scorers.ts';
export type * from '../evaluation/subject.ts';
export type { Question, Suite, SuiteFigures } from '../evaluation/suite.ts';
