import { beforeAll, describe, expect, it } from 'vitest';
import type { Proposals } from '../../proposals/post-process.ts';
import { renderScene, type Scene } from '../../world/scene.ts';
import { loadSpriteAtlas } from '../../world/sprite-atlas.ts';
import { captions } from './captions.ts';
import { counting } from './counting.ts';
import { detection } from './detection.ts';
import { type Measure, startMeasure } from './measure.ts';
import { chosenBoxes, proposals } from './proposals.ts';
import { questionAnswering } from './question-answering.ts';
import { referring } from './referring.ts';
import { regionCategory } from './region-category.ts';
import { type SceneView, trueBoxList } from './scene-view.ts';
import { oracle } from './testing/oracle.ts';

const questions = 3;
let scenes: Scene[];

beforeAll(async () => {
  const atlas = await loadSpriteAtlas();
  scenes = Array.from({ length: 8 }, (_, index) => renderScene(atlas, { split: 'test', seed: 11, index }));
});

/** @param indexOf null to show the boxes as if they were proposals: nobody knows whose they are. */
function viewOf(scene: Scene, boxesXyxy: readonly (readonly number[])[], indexOf: SceneView['indexOf']): SceneView {
  const encoded = oracle(scene, boxesXyxy, questions);
  return { scene, image: encoded, indexOf, phrasings: 'unseen', questions, askOptions: {} };
}

async function figuresOf<Row>(measure: Measure<SceneView, Row>, isWithTruth = true) {
  const running = startMeasure(measure);
  for (const scene of scenes) {
    const { boxes, indexOf } = trueBoxList(scene);
    const list = boxes.boxesXyxy as number[][];
    await running.observe(viewOf(scene, list, isWithTruth ? indexOf : null));
  }
  return running.result();
}

describe('who knows everything has full marks', () => {
  it.each([
    ['detection', detection],
    ['referring', referring],
    ['counting', counting],
    ['brief captions', captions('brief-caption')],
    ['detailed captions', captions('detailed-caption')],
  ] as [string, Measure<SceneView, unknown>][])('in %s, not told which box is whose', async (_, measure) => {
    const { figures, count } = await figuresOf(measure, false);
    for (const [name, value] of Object.entries(figures)) expect(value, name).toBeCloseTo(1, 9);
    expect(count).toBeGreaterThanOrEqual(scenes.length);
  });

  it.each([
    ['region categories', regionCategory],
    ['questions', questionAnswering('region-qa')],
    ['conversations', questionAnswering('conversation')],
  ] as [string, Measure<SceneView, unknown>][])('in %s', async (_, measure) => {
    const { figures, count } = await figuresOf(measure);
    for (const [name, value] of Object.entries(figures)) expect(value, name).toBeCloseTo(1, 9);
    expect(count).toBeGreaterThan(2 * scenes.length);
  });

  it('in proposals', async () => {
    for (const granularity of ['fine', 'coarse'] as const) {
      const running = startMeasure(proposals(granularity));
      for (const scene of scenes) {
        const meant = scene.objects.filter((o) => (granularity === 'fine' ? o.isFine : o.isCoarse));
        const found = found100(scene, meant);
        await running.observe({ scene, chosen: found, upn: { propose: async () => [found] } });
      }
      for (const value of Object.values(running.result().figures)) expect(value).toBeCloseTo(1, 9);
    }
    const running = startMeasure(chosenBoxes);
    const found = found100(scenes[0], scenes[0].objects);
    await running.observe({ scene: scenes[0], chosen: found, upn: { propose: async () => [found] } });
    expect(running.result().figures).toEqual({ 'recall at IoU .5': 1, 'boxes per scene': scenes[0].objects.length });
  });
});

describe('whose answers belong to other boxes', () => {
  it('loses the points that the boxes carry', async () => {
    const running = startMeasure(regionCategory);
    for (const scene of scenes) {
      const { boxes, indexOf } = trueBoxList(scene);
      const shifted = new Map(Array.from(indexOf, ([object, at]) => [object, (at + 1) % scene.objects.length]));
      await running.observe(viewOf(scene, boxes.boxesXyxy as number[][], shifted));
    }
    expect(running.result().figures.accuracy).toBeLessThan(0.7);
  });
});

function found100({ image }: Scene, objects: Scene['objects']): Proposals {
  const { width, height } = image;
  return {
    width,
    height,
    boxesXyxy: Float32Array.from(objects.flatMap(({ boxXyxy }) => [...boxXyxy])),
    scores: Float32Array.from(objects, (_, i) => 1 - i / 100),
    granularities: objects.map(() => 'fine'),
  };
}
