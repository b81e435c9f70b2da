/**
 * What callers without types give: every call returns a promise, which a `ChatRexError` rejects, and nothing is left
 * broken.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EncodedImage } from './chatrex/encoded-image.ts';
import { ChatRex } from './chatrex.ts';
import { Upn } from './proposals/upn.ts';

const fixtures = new URL('../fixtures/chatrex/', import.meta.url).pathname;
const imagePath = `${fixtures}tiny-image.png`;
const boxes = [[4, 3, 20, 30]];
const short = { maxTokens: 4 };

// biome-ignore lint/suspicious/noExplicitAny: as from JavaScript
type Untyped = any;

let model: ChatRex;
let image: EncodedImage;
beforeAll(async () => {
  model = await ChatRex.load(`${fixtures}tiny-gated`);
  image = await model.encode(imagePath, { boxes });
});
afterAll(() => model.dispose());

describe('arguments of the wrong kind', () => {
  it.each<[string, (model: Untyped, image: Untyped) => Promise<unknown>, RegExp]>([
    ['encode()', (model) => model.encode(), /^image: expected a path.*came undefined/],
    ['encode(null)', (model) => model.encode(null), /came null/],
    ['encode(42)', (model) => model.encode(42), /came 42/],
    ['encode(ArrayBuffer)', (model) => model.encode(new ArrayBuffer(8)), /an object \(ArrayBuffer\)/],
    ['boxes', (model) => model.encode(imagePath, { boxes: {} }), /^boxes: expected a list/],
    ['ask()', (_, image) => image.ask(), /^question: expected text/],
    ['ask(5)', (_, image) => image.ask(5), /came 5/],
    ['ask of blanks', (_, image) => image.ask(' \n'), /^question: expected text/],
    ['detect(text)', (_, image) => image.detect('cup'), /^detect: expected a list of phrases.*"cup"/],
    ['detect()', (_, image) => image.detect(), /^detect/],
    ['caption(0)', (_, image) => image.caption(0), /^objects: expected a list/],
    ['caption([1.5])', (_, image) => image.caption([1.5]), /^objects: expected indices from 0 to 0, came 1.5/],
    ['style', (_, image) => image.caption([0], { style: 'x' }), /^style: expected one of category/],
    ['detail', (_, image) => image.describe({ detail: 'x' }), /^detail: expected/],
    ['count()', (_, image) => image.count(), /^phrase: expected/],
    ['chat([])', (_, image) => image.chat([]), /^chat: expected .*an empty list/],
    ['chat(text)', (_, image) => image.chat('why'), /^chat: expected/],
    ['seed', (_, image) => image.ask('a', { temperature: 1, seed: Number.NaN }), /^seed: .*NaN/],
    ['temperature', (_, image) => image.ask('a', { temperature: '1' }), /temperature/],
    ['maxPositions', () => ChatRex.load(`${fixtures}tiny-gated`, { maxPositions: 1e9 }), /^maxPositions: expected/],
  ])('%s', async (_, call, message) => {
    const promise = call(model, image);
    expect(promise).toBeInstanceOf(Promise);
    await expect(promise).rejects.toMatchObject({
      name: 'ChatRexError',
      code: 'invalid-argument',
      message: expect.stringMatching(message),
    });
  });

  it('of a proposal network', async () => {
    const upn: Untyped = await Upn.load('nano');
    const refused = (message: RegExp) => ({ code: 'invalid-argument', message: expect.stringMatching(message) });
    await expect(upn.propose(imagePath)).rejects.toMatchObject(refused(/^images: expected a list/));
    await expect(upn.propose([imagePath], { granularity: 'medium' })).rejects.toMatchObject(refused(/^granularity/));
    await expect(upn.propose([imagePath], { minScore: '0.5' })).rejects.toMatchObject(refused(/^minScore/));
  });

  it('leave an image as it was', async () => {
    const before = await image.ask('Why?', short);
    await expect(image.chat([])).rejects.toThrow();
    await expect(image.ask('Why?', { ...short, seed: 0.5 })).rejects.toThrow(/seed/);
    expect((await image.ask('Why?', short)).ids).toEqual(before.ids);
  });
});

describe('detection in the phrases of the caller', () => {
  it('asks for each thing once, and gives every row the phrase that it answers', async () => {
    const { asked, phrases, objects } = await image.detect(['dog. cat', 'Dog'], { ...short, maxTokens: 40 });
    expect(asked).toEqual(['dog', 'cat']);
    expect(phrases).toHaveLength(objects.length);
  });
});

describe('after dispose', () => {
  it('a model, its images and a proposal network refuse in one way', async () => {
    const other = await ChatRex.load(`${fixtures}tiny-gated`);
    const seen = await other.encode(imagePath, { boxes });
    await other.dispose();
    await other.dispose();
    const upn = await Upn.load('nano');
    await upn.dispose();
    const disposed = { code: 'runtime', message: expect.stringMatching(/disposed.*load it again/) };
    await expect(other.encode(imagePath, { boxes })).rejects.toMatchObject(disposed);
    await expect(other.propose(imagePath)).rejects.toMatchObject(disposed);
    await expect(seen.ask('Why?')).rejects.toMatchObject(disposed);
    await expect(upn.propose([imagePath])).rejects.toMatchObject(disposed);
  });
});
