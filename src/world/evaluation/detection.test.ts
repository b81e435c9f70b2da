import { beforeAll, expect, test } from 'vitest';
import type { Answer } from '../../chatrex/answer.ts';
import { plainText } from '../../grounding/render.ts';
import { renderScene, type Scene } from '../scene.ts';
import { loadSpriteAtlas } from '../sprite-atlas.ts';
import { categoriesOf } from '../tasks/detection.ts';
import { detection } from './detection.ts';
import { type Looked, type SceneView, trueBoxList } from './scene-view.ts';

let scenes: Scene[];
beforeAll(async () => {
  const atlas = await loadSpriteAtlas();
  scenes = Array.from({ length: 6 }, (_, index) => renderScene(atlas, { split: 'test', seed: 4, index }));
});

/** Asks every question and answers it in some way; what was asked comes back. */
async function ask(scene: Scene, answer: (boxes: number) => Partial<Answer>) {
  const view = { scene, phrasings: 'seen', questions: 1, askOptions: {}, indexOf: null } as unknown as SceneView;
  const heard: string[] = [];
  const boxesXyxy = Float64Array.from(scene.objects.flatMap(({ boxXyxy }) => boxXyxy));
  const image = {
    boxes: { boxesXyxy },
    ask: async (question: string) => {
      heard.push(question);
      return { labels: [], objects: [], scores: [], ...answer(scene.objects.length) };
    },
  } as unknown as Looked;
  const answers = [];
  for (const question of await detection.questions(view)) answers.push(await question.ask(image));
  return { heard, answers };
}

test('every category of a scene is asked for, and two that are absent', async () => {
  for (const scene of scenes) {
    const { heard } = await ask(scene, () => ({}));
    const present = categoriesOf(scene);
    const text = heard.join(' ');
    for (const name of present) expect(text).toContain(name);
    const asked = heard.reduce((sum, question) => sum + question.split('; ').length, 0);
    expect(asked).toBe(present.length + 2);
  }
});

test('a box that is listed twice for a name counts once', async () => {
  const [scene] = scenes;
  const name = categoriesOf(scene)[0];
  const { answers } = await ask(scene, () => ({ labels: [name, name], objects: [0, 0], scores: [0.9, 0.8] }));
  for (const { predictions } of answers) expect(predictions).toHaveLength(1);
});

test('true boxes are in random order: a place in the list says nothing', () => {
  const inOrder = scenes.filter((scene) => {
    const { indexOf, boxes } = trueBoxList(scene);
    expect(boxes.scores).toHaveLength(scene.objects.length);
    for (const [object, index] of indexOf) {
      expect((boxes.boxesXyxy as number[][])[index]).toEqual(scene.objects[object].boxXyxy);
    }
    return [...indexOf].every(([object, index]) => object === index);
  });
  expect(inOrder).toEqual([]);
  expect(plainText([])).toBe('');
});
