/**
 * Finds the tokenizer of a model folder in the Hugging Face layout: `tokenizer.json`, or else `tokenizer.model`, or
 * else byte-level `vocab.json` with `merges.txt`; with the tokens that `added_tokens.json` and `tokenizer_config.json`
 * add.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ChatRexError } from '../../errors.ts';
import { readModelFile, readModelJson } from '../../weights/wrong-content.ts';
import { sentencepieceToTokenizerJson } from './sentencepiece.ts';
import { createTokenizer, type Tokenizer } from './tokenizer.ts';
import { byteLevelTokenizerJson, specialToken, type TokenizerJson } from './tokenizer-json.ts';

interface TokenizerConfig {
  legacy?: boolean | null;
  added_tokens_decoder?: Record<string, { content: string }>;
}

/** Splits text into words before merges, as Qwen2's tokenizer does (a fact of those models). */
const qwen2Pattern =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" +
  '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';

/**
 * Loads the tokenizer of a model folder.
 * @throws ChatRexError 'not-found' when the folder has none, 'invalid-file' or 'unsupported' when it cannot be used.
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const config = await readJson<TokenizerConfig>(folder, 'tokenizer_config.json');
  const fromJson = await readJson<TokenizerJson>(folder, 'tokenizer.json');
  const json = fromJson ?? (await readSentencepiece(folder)) ?? (await readVocabAndMerges(folder));
  if (!json) {
    throw new ChatRexError(
      'not-found',
      'tokenizer: expected tokenizer.json, tokenizer.model or vocab.json with merges.txt in the model folder; download one',
    );
  }
  const added = await readJson<Record<string, number>>(folder, 'added_tokens.json');
  const listed = Object.entries(config?.added_tokens_decoder ?? {}).map(([id, { content }]) => [content, Number(id)]);
  const known = new Set(json.added_tokens?.map(({ content }) => content));
  const missing = ([...Object.entries(added ?? {}), ...listed] as [string, number][]).filter(([content]) => {
    const isNew = !known.has(content);
    known.add(content);
    return isNew;
  });
  json.added_tokens = [...(json.added_tokens ?? []), ...missing.map(([content, id]) => specialToken(id, content))];
  // A tokenizer.json states its own rule; for the others it is Llama's `legacy` flag.
  return createTokenizer(json, !fromJson && config?.legacy === false ? { prefix: 'first' } : {});
}

async function readSentencepiece(folder: string): Promise<TokenizerJson | undefined> {
  const path = join(folder, 'tokenizer.model');
  return existsSync(path) ? sentencepieceToTokenizerJson(await readModelFile(path)) : undefined;
}

async function readVocabAndMerges(folder: string): Promise<TokenizerJson | undefined> {
  const vocab = await readJson<Record<string, number>>(folder, 'vocab.json');
  const mergesPath = join(folder, 'merges.txt');
  if (!vocab || !existsSync(mergesPath)) return undefined;
  const lines = new TextDecoder().decode(await readModelFile(mergesPath)).split(/\r?\n/);
  const merges = lines.filter((line, row) => line !== '' && !(row === 0 && line.startsWith('#version')));
  return byteLevelTokenizerJson({ vocab, merges, pattern: qwen2Pattern, normalizer: { type: 'NFC' }, special: [] });
}

async function readJson<T>(folder: string, name: string): Promise<T | undefined> {
  const path = join(folder, name);
  if (!existsSync(path)) return undefined;
  return (await readModelJson(path)) as T;
}
