/**
 * Samples of all ten tasks for one scene.
 */

import type { Conversation } from '../datasets/sample.ts';
import type { Phrasings } from '../prompt/phrasings.ts';
import { createRandom, type Random } from '../random.ts';
import type { RegionCaptionStyle, RegionQuestion, TaskMaker, WorldTask } from './sample.ts';
import type { Scene } from './scene.ts';
import { briefCaption, detailedCaption } from './tasks/captions.ts';
import { conversation } from './tasks/conversation.ts';
import { counting } from './tasks/counting.ts';
import { detectEverything, detection, longTailDetection, phraseGrounding, referring } from './tasks/detection.ts';
import { regionCaption } from './tasks/region-caption.ts';
import { regionQa } from './tasks/region-qa.ts';

/** How a task is made from a scene. */
export const TASK_MAKERS: Readonly<Record<WorldTask, TaskMaker>> = {
  detection: (context) => (context.random.chance(0.12) ? detectEverything(context) : detection(context)),
  'long-tail-detection': longTailDetection,
  'phrase-grounding': phraseGrounding,
  referring,
  'region-caption': regionCaption,
  'region-qa': regionQa,
  'brief-caption': briefCaption,
  'detailed-caption': detailedCaption,
  counting,
  conversation,
};

export interface SampleOptions {
  /** Which wordings of the questions: by default heard ones for train scenes, held-out ones for val and test. */
  readonly phrasings?: Phrasings;
  /** How many samples of each task to try for; 1 for every task by default, a task left out is not made. */
  readonly perTask?: Readonly<Partial<Record<WorldTask, number>>>;
  /** The style of all region captions; a random one for each by default. */
  readonly regionStyle?: RegionCaptionStyle;
  /** The kinds of questions about regions; a random one for each by default. */
  readonly regionQuestions?: readonly RegionQuestion[];
}

/**
 * Samples of a scene, task by task. Fewer than asked for when the scene does not lend itself to a task (nothing is
 * painted, nothing stands apart); doubles of a task are dropped.
 */
export function makeSamples(scene: Scene, random: Random, options: SampleOptions = {}): Conversation[] {
  const phrasings = options.phrasings ?? (scene.key.split === 'train' ? 'seen' : 'unseen');
  const { regionStyle, regionQuestions } = options;
  const samples: Conversation[] = [];
  for (const [task, make] of Object.entries(TASK_MAKERS) as [WorldTask, TaskMaker][]) {
    const wanted = options.perTask ? (options.perTask[task] ?? 0) : 1;
    const heard = new Set<string>();
    for (let attempt = 0; attempt < wanted; attempt++) {
      const sample = make({ scene, random, phrasings, regionStyle, regionQuestions });
      const said = JSON.stringify(sample?.turns);
      if (!sample || heard.has(said)) continue;
      heard.add(said);
      samples.push(sample);
    }
  }
  return samples;
}

/** The stream of choices that belongs to a scene's samples; `epoch` gives other samples of the same scene. */
export function sampleRandom({ key: { split, seed, index } }: Scene, epoch = 0): Random {
  return createRandom(`rexworld/${split}/${seed}/${index}/samples/${epoch}`);
}
