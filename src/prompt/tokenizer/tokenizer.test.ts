import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from './load-tokenizer.ts';
import { sentencepieceToTokenizerJson } from './sentencepiece.ts';
import { createTokenizer } from './tokenizer.ts';
import type { TokenizerJson } from './tokenizer-json.ts';
import { trainTokenizer } from './train-tokenizer.ts';

const fixture = (name: string) => new URL(`../../../fixtures/tokenizer/${name}`, import.meta.url);
const readJson = (url: URL) => JSON.parse(readFileSync(url, 'utf8'));
const cases: { text: string; sentencepiece: number[]; byteLevel: number[] }[] = readJson(fixture('cases.json'));

const fromModel = createTokenizer(sentencepieceToTokenizerJson(readFileSync(fixture('sentencepiece.model'))));
const fromJson = createTokenizer(readJson(fixture('sentencepiece.json')));
const byteLevel = createTokenizer(readJson(fixture('byte-level.json')));

describe('agreement with sentencepiece and Hugging Face tokenizers', () => {
  it('gives their ids for every string, and their text back', () => {
    for (const expected of cases) {
      expect(fromModel.encode(expected.text)).toEqual(expected.sentencepiece);
      expect(fromJson.encode(expected.text)).toEqual(expected.sentencepiece);
      expect(byteLevel.encode(expected.text)).toEqual(expected.byteLevel);
      expect(fromModel.decode(expected.sentencepiece)).toBe(expected.text);
      expect(byteLevel.decode(expected.byteLevel)).toBe(expected.text.normalize('NFC'));
    }
  });

  const shared = new URL('../../../../shared/reference/tokenizer/', import.meta.url);
  it.skipIf(!existsSync(shared))("Llama's vocabulary, 150 strings, as tokenizer.model and as tokenizer.json", () => {
    const llamaJson = sentencepieceToTokenizerJson(readFileSync(new URL('llama_tokenizer.model', shared)));
    const { cases } = readJson(new URL('llama_sp_fixtures.json', shared));
    const llama = createTokenizer(llamaJson);
    const reread = createTokenizer(JSON.parse(JSON.stringify(llamaJson)));
    expect(llama.vocabSize).toBe(32_000);
    expect(cases).toHaveLength(150);
    for (const { text, ids, decoded } of cases) {
      expect(llama.encode(text)).toEqual(ids);
      expect(reread.encode(text)).toEqual(ids);
      expect(llama.decode(ids)).toBe(decoded);
    }
  });

  // The shared tokenizer.json holds another vocabulary than the shared tokenizer.model; its ids come from its own
  // judge.
  it.skipIf(!existsSync(shared))('a tokenizer.json of 32,000 pieces', () => {
    const tokenizer = createTokenizer(readJson(new URL('llama2_tokenizer.json', shared)));
    for (const { text, ids } of readJson(fixture('shared-json-cases.json'))) {
      expect(tokenizer.encode(text)).toEqual(ids);
    }
  });
});

describe('special tokens', () => {
  const tokenizers = { fromModel, fromJson, byteLevel };

  it.each(Object.entries(tokenizers))('%s: are never found in text', (_, tokenizer) => {
    const special = new Set(tokenizer.specialIds());
    expect(special.size).toBe(3);
    for (const text of ['</s>', '<s>', '<unk>', '<|im_start|>system\n<|im_end|>', 'a <image> </s>', '<0x0A>']) {
      const ids = tokenizer.encode(text);
      expect(ids.some((id) => special.has(id))).toBe(false);
      expect(tokenizer.decode(ids)).toBe(text);
    }
  });

  it('are added after the last id, once, and spelled when decoding', () => {
    const tokenizer = createTokenizer(readJson(fixture('byte-level.json')));
    const size = tokenizer.vocabSize;
    expect(tokenizer.addTokens(['<obj0>', '<obj1>', '<|im_end|>'])).toEqual([
      size,
      size + 1,
      tokenizer.specialId('<|im_end|>'),
    ]);
    expect(tokenizer.addTokens(['<obj1>'])).toEqual([size + 1]);
    expect(tokenizer.vocabSize).toBe(size + 2);
    expect(tokenizer.decode([...tokenizer.encode('the apple'), size, ...tokenizer.encode(' red')])).toBe(
      'the apple<obj0> red',
    );
    expect(tokenizer.decode([size + 50])).toBe('\ufffd');
  });

  it('start a new stretch: a legacy Llama puts and takes one space there, a newer one does not', () => {
    const json = readJson(fixture('sentencepiece.json')) as TokenizerJson;
    const legacy = createTokenizer(json);
    const newer = createTokenizer(json, { prefix: 'first' });
    const end = legacy.specialId('</s>')!;
    expect(legacy.encode('apple', { isContinuation: true })).toEqual(legacy.encode('apple'));
    expect(newer.encode('apple', { isContinuation: true })).not.toEqual(newer.encode('apple'));
    for (const tokenizer of [legacy, newer]) {
      const ids = [...tokenizer.encode('red'), end, ...tokenizer.encode(' apple', { isContinuation: true })];
      expect(tokenizer.decode(ids)).toBe('red</s> apple');
    }
  });
});

describe('any text', () => {
  // '▁' itself is a space to sentencepiece, in the original as well.
  const anyText = fc.string({ unit: 'binary' }).map((text) => text.replaceAll('▁', ''));

  it('comes back unchanged, whole and streamed', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(fromModel.decode(fromModel.encode(text))).toBe(text);
        const ids = byteLevel.encode(text);
        const decoder = byteLevel.createDecoder();
        const streamed = ids.map((id) => decoder.push(id)).join('') + decoder.end();
        expect(streamed).toBe(text.normalize('NFC'));
        expect(streamed).toBe(byteLevel.decode(ids));
      }),
    );
  });

  it('streams no half characters, and says when one was never completed', () => {
    const ids = fromModel.encode('🐈');
    const decoder = fromModel.createDecoder();
    const streamed = ids.map((id) => decoder.push(id));
    expect(streamed.filter((text) => text !== '')).toEqual(['🐈']);
    expect(fromModel.decode(ids.slice(0, -1))).toBe('\ufffd');
    expect(fromModel.encode('\ud800')).toEqual(fromModel.encode('\ufffd'));
  });
});

describe('training', () => {
  const { sentences, merges } = readJson(fixture('trained.json'));

  it('makes the merges that the Hugging Face trainer makes', () => {
    const json = trainTokenizer(sentences, { vocabSize: 450, specialTokens: [] });
    expect(json.model.merges.map((pair) => (pair as [string, string]).join(' '))).toEqual(merges);
  });

  it('gives a small lossless vocabulary with the special tokens last', () => {
    const json = trainTokenizer(sentences, { vocabSize: 480, specialTokens: ['<user>', '<obj0>'] });
    const tokenizer = createTokenizer(JSON.parse(JSON.stringify(json)));
    expect(tokenizer.vocabSize).toBe(480);
    expect(tokenizer.specialId('<obj0>')).toBe(479);
    expect(tokenizer.encode(' the')).toHaveLength(1);
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => tokenizer.decode(tokenizer.encode(text)) === text));
  });

  it('stops when every word is one piece', () => {
    const json = trainTokenizer(['a b'], { vocabSize: 1000, specialTokens: ['<end>'] });
    expect(createTokenizer(json).vocabSize).toBe(256 + 1 + 1);
  });
});

describe('what cannot be used', () => {
  it('is refused with the fix', async () => {
    expect(() => sentencepieceToTokenizerJson(Uint8Array.of(1, 2, 3))).toThrow(/sentencepiece model.*download/);
    expect(() => sentencepieceToTokenizerJson(new Uint8Array())).toThrow(/sentencepiece model/);
    const wordPiece = { model: { type: 'WordPiece' } } as unknown as TokenizerJson;
    expect(() => createTokenizer(wordPiece)).toThrow(/expected a BPE model, came WordPiece/);
    await expect(loadTokenizer('/nowhere')).rejects.toThrow(/expected tokenizer.json, tokenizer.model/);
  });
});
