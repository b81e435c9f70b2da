/** `chatrex/training`: the stages of training, from typed configurations. */

export { parseStageConfig } from '../training/config-schema.ts';
export { exportMllm, exportUpn } from '../training/export.ts';
export { type InitialWeights, weightsOf } from '../training/initial-weights.ts';
export { configNames, loadStageConfig } from '../training/load-config.ts';
export type { TrainingProgress } from '../training/loop.ts';
export type { Metrics } from '../training/metrics.ts';
export type { Validation } from '../training/mixture.ts';
export type { MllmTraining } from '../training/mllm/config.ts';
export { languageWeightsOf } from '../training/mllm/language-weights.ts';
export { trainStage } from '../training/parallel/threads.ts';
export type { StageOptions } from '../training/run.ts';
export type { StageConfigs, StageName } from '../training/stages.ts';
export type { UpnTraining } from '../training/upn/stage.ts';
export type { VisionTraining } from '../training/vision/stage.ts';
