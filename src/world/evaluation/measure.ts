/**
 * The form of a measure of the world: questions about a scene, with what is true of each, and figures of the answers.
 */

import type { Figures } from '../../evaluation/suites/suite-score.ts';
import type { SceneView } from './scene-view.ts';

/** A question to `Asked`. Truth and answer together are a row. */
export interface WorldQuestion<Asked, Truth, Answer> {
  readonly truth: Truth;
  ask(asked: Asked): Promise<Answer>;
}

/** What is measured of `Asked`, which a model makes of a scene. */
export interface Measure<Asked, Truth extends object, Answer extends object> {
  questions(view: SceneView): Promise<readonly WorldQuestion<Asked, Truth, Answer>[]>;
  score(rows: readonly (Truth & Answer)[]): Figures;
  /** The answer of a question that failed: nothing, which is wrong. */
  readonly nothing: Answer;
}
