import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '../../datasets/dataset.ts';
import type { Proposals } from '../../proposals/post-process.ts';
import { makeSamples } from '../samples.ts';
import { renderScene, type Scene } from '../scene.ts';
import { loadSpriteAtlas } from '../sprite-atlas.ts';
import { captions } from './captions.ts';
import { counting } from './counting.ts';
import { detection } from './detection.ts';
import type { Measure } from './measure.ts';
import { chosenBoxes, proposals } from './proposals.ts';
import { questionAnswering } from './question-answering.ts';
import { referring } from './referring.ts';
import { regionCategory } from './region-category.ts';
import type { Looked } from './scene-view.ts';
import { type SceneView, trueBoxList } from './scene-view.ts';
import { oracle } from './testing/oracle.ts';

const questions = 3;
let scenes: Scene[];

beforeAll(async () => {
  const atlas = await loadSpriteAtlas();
  scenes = Array.from({ length: 8 }, (_, index) => renderScene(atlas, { split: 'test', seed: 11, index }));
});

const data: Pick<Dataset, 'conversations'> = {
  conversations: async (index, { counts, wordings, random }) =>
    makeSamples(scenes[index], random, { phrasings: wordings, perTask: counts }),
};

/** @param indexOf null to show the boxes as if they were proposals: nobody knows whose they are. */
const viewOf = (index: number, indexOf: SceneView['indexOf']): SceneView => {
  return { scene: scenes[index], indexOf, phrasings: 'unseen', questions, askOptions: {}, data, index };
};

type AnyMeasure<Asked> = Measure<Asked, object, object>;

/** Asks about every scene, and scores. */
async function figuresOf<Asked>(
  measure: AnyMeasure<Asked>,
  askedOf: (scene: Scene) => Asked,
  indexOf: (scene: Scene) => SceneView['indexOf'] = (scene) => trueBoxList(scene).indexOf,
) {
  const rows: object[] = [];
  for (const [index, scene] of scenes.entries()) {
    for (const { truth, ask } of await measure.questions(viewOf(index, indexOf(scene)))) {
      rows.push({ ...truth, ...(await ask(askedOf(scene))) });
    }
  }
  return { count: rows.length, figures: measure.score(rows) };
}

const knowing = (scene: Scene): Looked => oracle(scene, trueBoxList(scene).boxes.boxesXyxy as number[][], questions);

describe('who knows everything has full marks', () => {
  it.each([
    ['detection', detection],
    ['referring', referring],
    ['counting', counting],
    ['brief captions', captions('brief-caption')],
    ['detailed captions', captions('detailed-caption')],
  ] as [string, AnyMeasure<Looked>][])('in %s, not told which box is whose', async (_, measure) => {
    const { figures, count } = await figuresOf(measure, knowing, () => null);
    for (const [name, value] of Object.entries(figures)) expect(value, name).toBeCloseTo(1, 9);
    expect(count).toBeGreaterThanOrEqual(scenes.length);
  });

  it.each([
    ['region categories', regionCategory],
    ['questions', questionAnswering('region-qa')],
    ['conversations', questionAnswering('conversation')],
  ] as [string, AnyMeasure<Looked>][])('in %s', async (_, measure) => {
    const { figures, count } = await figuresOf(measure, knowing);
    for (const [name, value] of Object.entries(figures)) expect(value, name).toBeCloseTo(1, 9);
    expect(count).toBeGreaterThan(2 * scenes.length);
  });

  it('in proposals', async () => {
    for (const granularity of ['fine', 'coarse'] as const) {
      const { figures } = await figuresOf(proposals(granularity), (scene) => {
        const found = found100(
          scene,
          scene.objects.filter((o) => (granularity === 'fine' ? o.isFine : o.isCoarse)),
        );
        return { propose: async () => found, chosen: async () => found };
      });
      for (const value of Object.values(figures)) expect(value).toBeCloseTo(1, 9);
    }
    const { figures, count } = await figuresOf(chosenBoxes, (scene) => {
      const found = found100(scene, scene.objects);
      return { propose: async () => found, chosen: async () => found };
    });
    const objects = scenes.reduce((sum, scene) => sum + scene.objects.length, 0);
    expect(figures).toEqual({ 'recall at IoU .5': 1, 'boxes per scene': objects / count });
  });
});

describe('whose answers belong to other boxes', () => {
  it('loses the points that the boxes carry', async () => {
    const { figures } = await figuresOf(regionCategory, knowing, (scene) => {
      const { indexOf } = trueBoxList(scene);
      return new Map(Array.from(indexOf, ([object, at]) => [object, (at + 1) % scene.objects.length]));
    });
    expect(figures.accuracy).toBeLessThan(0.7);
  });
});

it('what fails has no points', () => {
  const fact = { expected: 'red', kind: 'colour' };
  const { nothing, score } = questionAnswering('region-qa');
  expect(
    score([
      { ...fact, answer: 'red' },
      { ...fact, ...nothing },
    ]),
  ).toEqual({ accuracy: 0.5, colour: 0.5 });
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
