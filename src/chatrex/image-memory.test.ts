import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { generate } from '../language/generate.ts';
import { LanguageModel } from '../language/language-model.ts';
import { createLanguageModel } from '../language/load.ts';
import type { Chat } from '../prompt/conversation.ts';
import type { HostTensor } from '../runtime/host-tensor.ts';
import { languageConfig } from './config.ts';
import { ImageMemory } from './image-memory.ts';
import { objectSpelling } from './object-spelling.ts';
import { boxesXyxy, openTiny, questions, tinyNames } from './testing/tiny-chatrex.ts';
import { VisionEncoder } from './vision-encoder.ts';
import { visionWeights } from './weights.ts';

describe.each(tinyNames)('questions about one image, %s', (name) => {
  let language: LanguageModel;
  let chat: Chat;
  let prefix: HostTensor<'float32'>;
  let expected: number[][];

  beforeAll(async () => {
    const { config, tensors, image, expected: file, ...tiny } = await openTiny(name);
    chat = tiny.chat;
    language = await createLanguageModel(tensors.language, languageConfig(config), 'float');
    const vision = await VisionEncoder.create(config, visionWeights(tensors.vision, config));
    const seen = await vision.encode([image], [boxesXyxy]);
    await vision.dispose();
    prefix = await objectSpelling(config).embedPrefix(chat.prefix(4), seen, language);
    const tokens = await Promise.all(questions.map((_, i) => file.read(`question.${i}.tokens`)));
    expected = tokens.map((values) => Array.from(values as BigInt64Array, Number));
  });
  afterEach(() => vi.restoreAllMocks());
  afterAll(() => language.dispose());

  it('are answered in a batch as they are alone', async () => {
    const cache = language.createCache({ capacity: prefix.shape[0] });
    await language.read(cache, 0, prefix);
    const rows = cache.fork([0, 0, 0], prefix.shape[0] + 120);
    const logits: Float32Array[] = [];
    for (const [row, question] of questions.entries()) {
      logits.push(await language.read(rows, row, await language.embed(chat.question(question, 4))));
    }
    const answers: number[][] = [[], [], []];
    for await (const { row, id } of generate(language, rows, logits, { maxTokens: 64, stopIds: [] }))
      answers[row].push(id);
    expect(answers).toEqual(expected);
  });

  it('read nothing twice', async () => {
    const read = vi.spyOn(LanguageModel.prototype, 'read');
    const lengths = () => read.mock.calls.splice(0).map(([, , { shape }]) => shape[0]);
    const memory = await ImageMemory.read(language, prefix);
    const write = async (ids: number[]) => {
      const written: number[] = [];
      for await (const { id } of memory.write(ids, { maxTokens: 8, stopIds: [] })) written.push(id);
      return written;
    };
    expect(lengths()).toEqual([memory.prefixLength]);
    const [first, second] = questions.map((question) => chat.question(question, 4));
    const answer = await write(first);
    expect(answer).toEqual(expected[0].slice(0, 8));
    expect(lengths()).toEqual([first.length]);
    // A further turn: the answer's last token was chosen but not read.
    const next = chat.nextQuestion(questions[2], 4);
    await write([...first, ...answer, ...next]);
    expect(lengths()).toEqual([1 + next.length]);
    expect(await write(second)).toEqual(expected[1].slice(0, 8));
    const shared = first.findIndex((id, i) => id !== second[i]);
    expect(lengths()).toEqual([second.length - shared]);
    // The same again: only its last token, for the logits.
    expect(await write(second)).toEqual(expected[1].slice(0, 8));
    expect(lengths()).toEqual([1]);
  });

  it('outgrow their room without forgetting', async () => {
    const memory = await ImageMemory.read(language, prefix);
    const ids = chat.question(questions[0], 4);
    const write = async (maxTokens: number) => {
      const written: number[] = [];
      for await (const { id } of memory.write(ids, { maxTokens, stopIds: [] })) {
        written.push(id);
        if (written.length === 64) break;
      }
      return written;
    };
    expect(await write(64)).toEqual(expected[0]);
    expect(await write(memory.room - ids.length)).toEqual(expected[0]);
    await expect(write(memory.room)).rejects.toMatchObject({ code: 'limit-exceeded' });
    expect(await write(64)).toEqual(expected[0]);
  });
});
