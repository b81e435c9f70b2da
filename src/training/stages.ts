/** The stages of training by name, and how each is opened: from plain data, so that worker threads open them too. */

import type { MllmTraining } from './mllm/config.ts';
import { openMllmStage } from './mllm/stage.ts';
import type { Stage, StageContext } from './run.ts';
import { openUpnStage, type UpnTraining } from './upn/stage.ts';
import { openVisionStage, type VisionTraining } from './vision/stage.ts';

/** What each stage is configured by. */
export interface StageConfigs {
  vision: VisionTraining;
  upn: UpnTraining;
  align: MllmTraining;
  instruct: MllmTraining;
}

export type StageName = keyof StageConfigs;

export type StageDescription<Name extends StageName = StageName> = {
  [N in Name]: { readonly name: N; readonly settings: StageConfigs[N]; readonly context: StageContext };
}[Name];

/** `context.onStatus` hears what takes long, as indexing or rendering. */
export function openStage(description: StageDescription): Promise<AnyStage> {
  const { name, settings, context } = description;
  if (name === 'vision') return openVisionStage(settings, context) as Promise<AnyStage>;
  if (name === 'upn') return openUpnStage(settings, context) as Promise<AnyStage>;
  return openMllmStage(name, settings, context) as Promise<AnyStage>;
}

/** A stage whose batches only itself understands. */
type AnyStage = Stage<unknown>;
