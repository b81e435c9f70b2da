import { describe, expect, it } from 'vitest';
import { LanguageModel, type Lexicon } from '../language/language-model.ts';
import { languageWeights } from '../language/load.ts';
import { createScope } from '../nn/scope.ts';
import type { HostTensor } from '../runtime/host-tensor.ts';
import { Session } from '../runtime/session.ts';
import { graphOf } from '../tensor/graph.ts';
import { GradientSession } from '../training/gradient-session.ts';
import { crossEntropy } from '../training/losses.ts';
import { initializeParameters, storedParameters } from '../training/parameters.ts';
import { imageTokenCount, languageConfig } from './config.ts';
import { packObjects } from './pack-objects.ts';
import { type ImageTexts, packTexts } from './pack-texts.ts';
import { embedPrefix, objectLexicon } from './prefix.ts';
import { boxFeeds, pixelFeeds } from './preprocess.ts';
import { boxesXyxy, openTiny, questions, tinyNames } from './testing/tiny-chatrex.ts';
import { chatRexTrainingGraph } from './training-graph.ts';
import { VisionEncoder } from './vision-encoder.ts';
import { visionParameters, visionWeights } from './weights.ts';

const worstDifference = (expected: Float32Array, { data }: HostTensor, start = 0): number =>
  expected.reduce((worst, value, i) => Math.max(worst, Math.abs(value - Number(data[start + i]))), 0);

describe.each(tinyNames)('the training graph of %s', (name) => {
  it('answers packed questions as if each were asked alone', async () => {
    const { config, chat, image, tensors, expected } = await openTiny(name);
    const weights = new Map([
      ...visionWeights(tensors.vision, config),
      ...languageWeights(tensors.language, languageConfig(config), 'float'),
    ]);
    const texts = await Promise.all(
      questions.map(async (question, i) => {
        const [first] = (await expected.read(`question.${i}.tokens`)) as BigInt64Array;
        const ids = [...chat.question(question, 4), Number(first)];
        return { ids, isTarget: ids.map((_, place) => place === ids.length - 1) };
      }),
    );
    // The second image of the batch has other questions, fewer boxes and a shorter text.
    const images: ImageTexts[] = [
      { prefix: chat.prefix(4), texts },
      { prefix: chat.prefix(1), texts: [texts[2]] },
    ];
    const sizes = { imageTokens: imageTokenCount(config), boxes: 4 };
    const { logits, hidden } = chatRexTrainingGraph(createScope(), config);
    const session = await Session.create({ logits, hidden }, weights);
    const { labels, ...feeds } = packTexts(images, sizes);
    const batch = [image, image];
    const results = await session.run({
      ...feeds,
      ...pixelFeeds(batch, config),
      ...boxFeeds(batch, [boxesXyxy, boxesXyxy.subarray(0, 4)], config),
    });
    await session.dispose();
    // The first question follows the prefix immediately, so that its places are the first ones.
    expect(worstDifference(await expected.readFloat32('question.0.hidden'), results.hidden)).toBeLessThan(1e-4);
    const { vocabSize } = languageConfig(config);
    for (const i of questions.keys()) {
      const values = await expected.readFloat32(`question.${i}.logits`);
      const worst = worstDifference(values, results.logits, i * vocabSize);
      expect(worst).toBeLessThan(1e-4);
    }
    expect(Array.from(labels.data, Number)).toEqual([...texts, texts[2]].map(({ ids }) => ids[ids.length - 1]));
    expect(results.logits.shape).toEqual([4, vocabSize]);
  });

  it('has gradients for every parameter, along which the loss falls', async () => {
    const { config, chat, image } = await openTiny(name);
    const graph = chatRexTrainingGraph(createScope(), config);
    const loss = crossEntropy(graph.logits, graph.labels);
    const parameters = initializeParameters(graphOf({ loss }).parameters.values(), 3);
    const ids = [...chat.question('Why?', 2), ...chat.answer([{ kind: 'phrase', text: 'dog', objects: [1] }])];
    const isTarget = ids.map((_, place) => place >= chat.question('Why?', 2).length);
    const sizes = { imageTokens: imageTokenCount(config), boxes: 2 };
    const feeds = {
      ...packTexts([{ prefix: chat.prefix(2), texts: [{ ids, isTarget }] }], sizes),
      ...pixelFeeds([image], config),
      ...boxFeeds([image], [boxesXyxy.subarray(0, 8)], config),
    };
    const session = await GradientSession.create(loss, {}, parameters);
    const losses: number[] = [];
    for (let step = 0; step < 4; step++) {
      losses.push((await session.accumulate(feeds)).loss);
      for (const [parameter, gradient] of session.finish()) {
        if (step === 0) expect([parameter, gradient.some((value) => value !== 0)]).toEqual([parameter, true]);
        const { data } = parameters.get(parameter)!;
        for (let i = 0; i < data.length; i++) data[i] -= 0.05 * gradient[i];
      }
    }
    await session.dispose();
    expect(losses).toEqual([...losses].sort((a, b) => b - a));
    expect(losses[3]).toBeLessThan(losses[0] - 0.05);
  });
});

it("has no table as long as the vocabulary but the model's own, and none among its inputs", async () => {
  const { config: plain } = await openTiny('tiny-gated');
  const config = { ...plain, extensions: { tiedObjects: { hasPlace: true } } };
  const { logits, hidden } = chatRexTrainingGraph(createScope(), config);
  const { vocabSize } = languageConfig(config);
  const long = graphOf({ logits, hidden }).nodes.filter(({ outputs }) =>
    outputs.some(({ shape }) => shape[0] === vocabSize),
  );
  expect(new Set(long.map(({ op }) => op.name))).toEqual(new Set(['Parameter']));
  const inputs = graphOf({ logits, hidden }).nodes.filter(({ op }) => op.name === 'Input');
  expect(inputs.length).toBeGreaterThan(10);
  expect(inputs.flatMap(({ outputs }) => outputs[0].shape)).not.toContain(vocabSize);
});

it.each([false, true])(
  'sees objects that carry their index (and place: %s) as the language model is shown them in use',
  async (hasPlace) => {
    const { config: plain, chat, image, tensors } = await openTiny('tiny-gated');
    const config = { ...plain, extensions: { tiedObjects: { hasPlace } } };
    const places = storedParameters(
      initializeParameters(
        visionParameters(config).filter(({ name }) => name.startsWith('mm_object_place.')),
        3,
      ),
    );
    expect(places.size).toBe(hasPlace ? 2 : 0);
    const vision = new Map([...visionWeights(tensors.vision, plain), ...places]);
    const language = languageWeights(tensors.language, languageConfig(config), 'float');
    const prefix = chat.prefix(4);
    const ids = chat.question('What is <obj2>?', 4);
    const written = chat.prefix(2).flatMap((segment) => (segment.kind === 'object' ? [segment.id] : []))[1];

    const encoder = await VisionEncoder.create(config, vision);
    const model = await LanguageModel.create(languageConfig(config), language);
    const seen = await encoder.encode([image], [boxesXyxy]);
    expect('objectChoices' in seen).toBe(hasPlace);
    const lexicon = objectLexicon(prefix, seen, model);
    const used = await Promise.all(
      (
        [
          [true, lexicon],
          [false, lexicon],
          [true, { embed: lexicon.embed }],
          [true, { ...lexicon, embed: (words: readonly number[]) => model.embed(words) }],
        ] as [boolean, Lexicon][]
      ).map(async ([isCarried, lexicon]) => {
        const cache = model.createCache({ capacity: 200 });
        await model.read(cache, 0, await embedPrefix(prefix, seen, model, isCarried));
        await model.read(cache, 0, await lexicon.embed(ids));
        // A written mention of an object is read as a question's is.
        return (await model.step(cache, [written], [true], lexicon))[0];
      }),
    );
    await encoder.dispose();
    await model.dispose();

    const { logits } = chatRexTrainingGraph(createScope(), config);
    const session = await Session.create({ logits }, new Map([...vision, ...language]));
    const isTarget = [...ids.map(() => false), false, true];
    const sizes = { imageTokens: imageTokenCount(config), boxes: 4 };
    const asked = [{ prefix, texts: [{ ids: [...ids, written, 0], isTarget }] }];
    const packed = packTexts(asked, sizes);
    const { labels: _, ...texts } = packed;
    const results = await session.run({
      ...texts,
      ...packObjects(asked, sizes, packed),
      ...pixelFeeds([image], config),
      ...boxFeeds([image], [boxesXyxy], config),
    });
    await session.dispose();
    expect(worstDifference(used[0], results.logits)).toBeLessThan(1e-4);
    for (const other of used.slice(1)) expect(worstDifference(other, results.logits)).toBeGreaterThan(1e-3);
  },
);
