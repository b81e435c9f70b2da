import { beforeAll, describe, expect, it } from 'vitest';
import type { Conversation } from '../datasets/sample.ts';
import type { GroundedText } from '../grounding/grounded-text.ts';
import { plainText } from '../grounding/render.ts';
import { articleFor, numberValue, numberWord } from '../prompt/words.ts';
import { createRandom } from '../random.ts';
import { CATEGORIES } from './categories.ts';
import { allNamed } from './description.ts';
import { WORLD_TASKS, type WorldTask } from './sample.ts';
import { makeSamples, sampleRandom } from './samples.ts';
import { renderScene, type Scene } from './scene.ts';
import { loadSpriteAtlas } from './sprite-atlas.ts';
import { readPhrase } from './testing/read-phrase.ts';
import { wordsOf, worldWords } from './vocabulary.ts';

let pairs: { scene: Scene; sample: Conversation }[];
const of = (task: WorldTask) => pairs.filter(({ sample }) => sample.task === task);
const phrasesOf = (text: GroundedText) => text.flatMap((span) => (span.kind === 'phrase' ? [span] : []));

beforeAll(async () => {
  const atlas = await loadSpriteAtlas();
  pairs = Array.from({ length: 90 }, (_, index) => {
    const scene = renderScene(atlas, { split: index % 3 ? 'train' : 'test', seed: 5, index });
    return makeSamples(scene, sampleRandom(scene)).map((sample) => ({ scene, sample }));
  }).flat();
});

describe('samples', () => {
  it('cover all ten tasks, nearly all of them in every scene', () => {
    for (const task of WORLD_TASKS) expect(of(task).length, task).toBeGreaterThan(80);
  });

  it('are the same for the same scene, and others for another epoch', () => {
    const { scene } = pairs[0];
    expect(makeSamples(scene, sampleRandom(scene))).toEqual(makeSamples(scene, sampleRandom(scene)));
    expect(makeSamples(scene, sampleRandom(scene, 1))).not.toEqual(makeSamples(scene, sampleRandom(scene)));
  });

  it('name objects that exist, and list each once', () => {
    for (const { scene, sample } of pairs) {
      const named = sample.turns.flatMap(({ question, answer }) => [...phrasesOf(question), ...phrasesOf(answer)]);
      const objects = named.flatMap((span) => span.objects);
      for (const object of objects) expect(scene.objects[object]).toBeDefined();
      for (const { objects: one } of named) expect(new Set(one).size).toBe(one.length);
    }
  });

  it('make only the tasks that are asked for', () => {
    const samples = makeSamples(pairs[0].scene, createRandom('some'), { perTask: { counting: 3, referring: 2 } });
    expect(new Set(samples.map(({ task }) => task))).toEqual(new Set(['counting', 'referring']));
    expect(makeSamples(pairs[0].scene, createRandom('none'), { perTask: {} })).toEqual([]);
  });
});

describe('answers are right', () => {
  it('detection and long tail list exactly the objects of each category, absent ones included', () => {
    let absent = 0;
    for (const { scene, sample } of [...of('detection'), ...of('long-tail-detection')]) {
      for (const { text, objects } of phrasesOf(sample.turns[0].answer)) {
        const truth = scene.objects.flatMap(({ category: { name, hypernyms } }, index) =>
          name === text || hypernyms.includes(text) ? [index] : [],
        );
        expect(objects).toEqual(truth);
        if (objects.length === 0) absent++;
      }
    }
    expect(absent).toBeGreaterThan(20);
  });

  it('long-tail detection asks for rare categories only', () => {
    const rare = new Set(CATEGORIES.filter(({ frequency }) => frequency === 'rare').map(({ name }) => name));
    for (const { sample } of of('long-tail-detection')) {
      for (const { text } of phrasesOf(sample.turns[0].answer)) expect(rare).toContain(text);
    }
  });

  it('every referring expression means exactly its object to an independent reader', () => {
    let modified = 0;
    for (const { scene, sample } of of('referring')) {
      const [{ text, objects }] = phrasesOf(sample.turns[0].answer);
      expect(objects.length).toBe(1);
      expect(readPhrase(scene, text), text).toEqual(objects);
      if (!CATEGORIES.some(({ name }) => name === text)) modified++;
    }
    expect(modified).toBeGreaterThan(40);
  });

  it('every short phrase means exactly its objects to an independent reader', () => {
    for (const { scene, sample } of of('phrase-grounding')) {
      for (const { text, objects } of phrasesOf(sample.turns[0].answer))
        expect(readPhrase(scene, text), text).toEqual(objects);
    }
  });

  it('region captions in referring style mean their region', () => {
    for (const { scene, sample } of of('region-caption')) {
      const [{ question, answer, accepted: [expected] = [] }] = sample.turns;
      const [region] = phrasesOf(question)[0].objects;
      expect(expected).toBe(scene.objects[region].category.name);
      expect(plainText(answer)).toContain(expected);
      if (sample.style === 'referring') expect(readPhrase(scene, plainText(answer))).toEqual([region]);
    }
  });

  it('counts equal the number of boxes, of the named kind', () => {
    for (const { scene, sample } of of('counting')) {
      const [{ answer, accepted: [expected] = [] }] = sample.turns;
      const [{ text, objects }] = phrasesOf(answer);
      expect(numberValue(expected!)).toBe(objects.length);
      expect(plainText(answer)).toBe(`${text}: ${expected}.`);
      const plain = CATEGORIES.find(({ plural }) => text === plural);
      if (plain) expect(objects).toEqual(allNamed(scene, plain.name));
    }
  });

  it('yes and no, and colours, agree with the scene', () => {
    for (const { scene, sample } of [...of('region-qa'), ...of('conversation')]) {
      for (const { question, answer, accepted: [expected] = [] } of sample.turns) {
        const said = plainText(answer);
        if (expected === 'yes' || expected === 'no') expect(said.endsWith(`: ${expected}.`)).toBe(true);
        const asksColour = / color /.test(plainText(question)) && expected;
        const regions = phrasesOf(question).flatMap(({ objects }) => objects);
        if (asksColour && regions.length === 1) expect(scene.objects[regions[0]].colour).toBe(expected);
        if (expected && expected !== 'yes' && expected !== 'no') expect(said).toContain(expected);
      }
    }
  });

  it('phrases of captions are of one kind', () => {
    for (const { scene, sample } of [...of('brief-caption'), ...of('detailed-caption')]) {
      for (const { text, objects } of phrasesOf(sample.turns[0].answer)) {
        expect(objects.length).toBeGreaterThan(0);
        const [{ category }] = objects.map((index) => scene.objects[index]);
        expect(text.endsWith(objects.length > 1 ? category.plural : category.name)).toBe(true);
        expect(new Set(objects.map((index) => scene.objects[index].category.name)).size).toBe(1);
      }
    }
  });

  it('conversations have two to four turns', () => {
    const lengths = new Set(of('conversation').map(({ sample }) => sample.turns.length));
    expect([...lengths].every((length) => length >= 2 && length <= 5)).toBe(true);
    expect(lengths.size).toBeGreaterThan(1);
  });
});

describe('language', () => {
  it('is covered by the listed words, fewer than 1,500', () => {
    const words = new Set(worldWords());
    expect(words.size).toBeLessThan(1500);
    const spoken = pairs.flatMap(({ sample }) =>
      sample.turns.flatMap(({ question, answer }) => wordsOf(`${plainText(question)} ${plainText(answer)}`)),
    );
    expect([...new Set(spoken)].filter((word) => !words.has(word))).toEqual([]);
  });

  it('asks test scenes in wordings that training never hears', () => {
    const opening = ({ sample }: { sample: Conversation }) => plainText(sample.turns[0].question);
    const [train, test] = (['train', 'test'] as const).map(
      (split) =>
        new Set(
          pairs
            .filter(({ scene, sample }) => scene.key.split === split && sample.task === 'brief-caption')
            .map(opening),
        ),
    );
    expect(test.size).toBeGreaterThan(1);
    for (const question of test) expect(train).not.toContain(question);
  });

  it('writes numbers and articles', () => {
    expect([0, 9, 12, 20, 23, 60].map(numberWord)).toEqual([
      'zero',
      'nine',
      'twelve',
      'twenty',
      'twenty three',
      'sixty',
    ]);
    for (let value = 0; value < 100; value++) expect(numberValue(numberWord(value))).toBe(value);
    expect(['apple', 'unicorn', 'hourglass', 'house', 'orange car'].map(articleFor)).toEqual([
      'an',
      'a',
      'an',
      'a',
      'an',
    ]);
  });
});
