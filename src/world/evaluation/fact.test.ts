import { beforeAll, describe, expect, it } from 'vitest';
import { plainText } from '../../grounding/render.ts';
import { makeSamples, sampleRandom } from '../samples.ts';
import { renderScene, type Scene } from '../scene.ts';
import { loadSpriteAtlas } from '../sprite-atlas.ts';
import { statesFact } from './fact.ts';

describe('statesFact', () => {
  it.each([
    ['Yes, it is a dog.', 'yes'],
    ['No, there is no dog.', 'no'],
    ['The orange balloon is blue.', 'blue'],
    ['It is a cherry blossom.', 'cherry blossom'],
    ['The dog is to the left of the cat.', 'to the left of'],
    ['The dog is on the left.', 'on the left'],
    ['There are twenty three objects in it.', 'twenty three'],
    ['There are 3 objects.', 'three'],
    ['There are no foxes.', 'zero'],
  ])('%s: %s', (answer, expected) => {
    expect(statesFact(answer, expected)).toBe(true);
  });

  it.each([
    ['Yes, it is a dog.', 'no'],
    ['The blue balloon is red.', 'blue'],
    ['It is a cherry blossom.', 'cherry'],
    ['The dog is to the right of the cat.', 'to the left of'],
    ['There are twenty three objects in it.', 'three'],
    ['The dog is large.', 'three'],
    ['', 'yes'],
    ['', 'red'],
  ])('%s: not %s', (answer, expected) => {
    expect(statesFact(answer, expected)).toBe(false);
  });
});

describe('statesFact on the answers of the world', () => {
  let scenes: Scene[];

  beforeAll(async () => {
    const atlas = await loadSpriteAtlas();
    scenes = Array.from({ length: 12 }, (_, index) => renderScene(atlas, { split: 'test', seed: 3, index }));
  });

  it('finds the fact in every one', () => {
    let checked = 0;
    for (const scene of scenes) {
      const samples = makeSamples(scene, sampleRandom(scene), {
        perTask: { 'region-qa': 8, conversation: 4, counting: 2 },
      });
      for (const { answer, accepted: [expected] = [] } of samples.flatMap(({ turns }) => turns)) {
        if (expected === undefined) continue;
        checked++;
        expect([plainText(answer), expected, statesFact(plainText(answer), expected)]).toEqual([
          plainText(answer),
          expected,
          true,
        ]);
      }
    }
    expect(checked).toBeGreaterThan(150);
  });
});

it('of yes and no, the first one counts', () => {
  expect(statesFact('Yes, there is no cat beside it.', 'yes')).toBe(true);
  expect(statesFact('Yes, there is no cat beside it.', 'no')).toBe(false);
});
