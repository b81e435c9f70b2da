/** The stages of the engine in their order. A caller may leave some out or put others in their place. */

import type { StageName } from '../annotation.ts';
import type { Roles } from '../models/roles.ts';
import { type Draft, pipeline, type Stage, stage } from '../pipeline.ts';
import type { Settings } from '../settings.ts';
import { captionImage } from './caption.ts';
import { describeRegions } from './describe.ts';
import { groundPhrases } from './ground.ts';
import { extractPhrases } from './phrases.ts';
import { rewriteDescriptions } from './rewrite.ts';
import { verifyDescriptions } from './verify.ts';

export interface StageOptions {
  readonly concurrency: number;
  readonly onDone?: (stage: StageName, draft: Draft) => void;
}

/** Caption, phrases, ground, describe, verify, rewrite: drafts of inspected items in, annotated drafts out. */
export function annotationStages(
  roles: Roles,
  settings: Pick<Settings, 'ground' | 'describe'>,
  options: StageOptions,
): Stage {
  return pipeline([
    stage('caption', captionImage(roles.captioner), options),
    stage('phrases', extractPhrases, options),
    stage('ground', groundPhrases(roles.grounder, settings.ground), options),
    stage('describe', describeRegions(roles.describer, settings.describe), options),
    stage('verify', verifyDescriptions(roles.writer), options),
    stage('rewrite', rewriteDescriptions(roles.writer), options),
  ]);
}
