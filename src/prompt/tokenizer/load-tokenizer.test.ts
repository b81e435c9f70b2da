import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadTokenizer } from './load-tokenizer.ts';

const fixture = (name: string) => readFileSync(new URL(`../../../fixtures/tokenizer/${name}`, import.meta.url));
const cases: { text: string; sentencepiece: number[]; byteLevel: number[] }[] = JSON.parse(
  fixture('cases.json').toString(),
);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tokenizer-'));
});
afterEach(() => rmSync(folder, { recursive: true }));
const put = (name: string, content: unknown) =>
  writeFileSync(join(folder, name), Buffer.isBuffer(content) ? content : JSON.stringify(content));

it('reads tokenizer.model with the tokens a checkpoint added', async () => {
  put('tokenizer.model', fixture('sentencepiece.model'));
  put('added_tokens.json', { '<obj0>': 700, '<obj1>': 701 });
  put('tokenizer_config.json', { added_tokens_decoder: { 1: { content: '<s>' }, 702: { content: '<ground>' } } });
  const tokenizer = await loadTokenizer(folder);
  expect(tokenizer.vocabSize).toBe(703);
  expect(tokenizer.specialIds()).toEqual([0, 1, 2, 700, 701, 702]);
  for (const { text, sentencepiece } of cases) expect(tokenizer.encode(text)).toEqual(sentencepiece);
});

it('puts no space after a special token where the configuration says legacy: false', async () => {
  put('tokenizer.model', fixture('sentencepiece.model'));
  const legacy = await loadTokenizer(folder);
  put('tokenizer_config.json', { legacy: false });
  const newer = await loadTokenizer(folder);
  expect(newer.encode('apple')).toEqual(legacy.encode('apple'));
  expect(newer.encode(' apple', { isContinuation: true })).toEqual(legacy.encode('apple'));
});

it('reads tokenizer.json before tokenizer.model, and vocab.json with merges.txt', async () => {
  const json = JSON.parse(fixture('byte-level.json').toString());
  put('vocab.json', json.model.vocab);
  const merges = json.model.merges.map((pair: string[]) => pair.join(' ')).join('\n');
  writeFileSync(join(folder, 'merges.txt'), `#version: 0.2\n${merges}\n`);
  const fromParts = await loadTokenizer(folder);
  put('tokenizer.model', fixture('sentencepiece.model'));
  put('tokenizer.json', fixture('byte-level.json'));
  const fromJson = await loadTokenizer(folder);
  for (const { text, byteLevel } of cases) {
    expect(fromParts.encode(text)).toEqual(byteLevel);
    expect(fromJson.encode(text)).toEqual(byteLevel);
  }
});

it('names the file that is broken', async () => {
  writeFileSync(join(folder, 'tokenizer.json'), '{"model": ');
  await expect(loadTokenizer(folder)).rejects.toThrow(/tokenizer.json: expected JSON/);
});
