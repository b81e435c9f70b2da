import { expect, test } from 'vitest';
import { dialects } from '../../grounding/dialect.ts';
import { createChat } from '../../prompt/conversation.ts';
import { createTokenizer } from '../../prompt/tokenizer/tokenizer.ts';
import { CATEGORIES } from '../../world/categories.ts';
import { RELATION_PHRASES, SIDE_PHRASES } from '../../world/description.ts';
import { makeSamples, sampleRandom } from '../../world/samples.ts';
import { renderScene } from '../../world/scene.ts';
import { loadSpriteAtlas } from '../../world/sprite-atlas.ts';
import { imageTexts, lessonAt } from './texts.ts';
import { trainWorldTokenizer } from './tokenizer.ts';

test('lessons follow each other, then everything is asked', () => {
  const lessons = [
    { steps: 2, mixture: { counting: 1 } },
    { steps: 3, mixture: { referring: 1 }, regionStyle: 'category' as const },
  ];
  const curriculum = { lessons, mixture: { detection: 1 } };
  const asked = [0, 1, 2, 4, 5, 99].map((step) => Object.keys(lessonAt(curriculum, step).mixture)[0]);
  expect(asked).toEqual(['counting', 'counting', 'referring', 'referring', 'detection', 'detection']);
  expect(lessonAt(curriculum, 3).regionStyle).toBe('category');
  expect(lessonAt(curriculum, 5).regionStyle).toBeUndefined();
});

test('a lesson about categories asks for nothing else', async () => {
  const scene = renderScene(await loadSpriteAtlas(), { split: 'train', seed: 6, index: 1 });
  const tokenizer = createTokenizer(trainWorldTokenizer([scene], 2560));
  const chat = createChat(tokenizer, { format: 'nano', dialect: dialects.paper });
  const { objects } = scene;
  const list = {
    boxesXyxy: Float32Array.from(objects.flatMap(({ boxXyxy }) => boxXyxy)),
    indexOf: new Map(objects.map((_, i) => [i, i])),
  };
  const options = { mixture: { 'region-caption': 9 }, regionStyle: 'category' as const, room: 320, epoch: 1 };
  const { texts } = imageTexts(scene, list, chat, options);
  const answers = texts.map(({ ids, isTarget }) => tokenizer.decode(ids.filter((_, i) => isTarget[i])));
  expect(answers.length).toBeGreaterThan(4);
  const names = new Set(CATEGORIES.map(({ name }) => ` ${name}<end>`));
  for (const answer of answers) expect(names).toContain(answer);
});

test('a lesson may be of some kinds of questions about regions alone', async () => {
  const scene = renderScene(await loadSpriteAtlas(), { split: 'train', seed: 6, index: 1 });
  const perTask = { 'region-qa': 12 } as const;
  const asked = makeSamples(scene, sampleRandom(scene), { perTask, regionQuestions: ['where', 'relation'] });
  const facts = new Set<string | undefined>([...Object.values(SIDE_PHRASES), ...Object.values(RELATION_PHRASES)]);
  expect(asked.length).toBeGreaterThan(4);
  for (const { turns } of asked) expect(facts).toContain(turns[0].accepted?.[0]);
  const any = makeSamples(scene, sampleRandom(scene), { perTask }).map(({ turns }) => turns[0].accepted?.[0]);
  expect(any.some((fact) => !facts.has(fact))).toBe(true);
});
