/** The vocabulary of a model that learns RexWorld: byte-level BPE over everything that its samples say. */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dialects, groundingTokens } from '../../grounding/dialect.ts';
import { nanoChatTokens } from '../../prompt/conversation.ts';
import { createTokenizer, type Tokenizer } from '../../prompt/tokenizer/tokenizer.ts';
import type { TokenizerJson } from '../../prompt/tokenizer/tokenizer-json.ts';
import { trainTokenizer } from '../../prompt/tokenizer/train-tokenizer.ts';
import { makeSamples, sampleRandom } from '../../world/samples.ts';
import type { Scene } from '../../world/scene.ts';
import { worldPhrases } from '../../world/vocabulary.ts';
import type { SceneCache } from '../data/scene-cache.ts';

export const tokenizerFile = (folder: string): string => join(folder, 'tokenizer.json');

/** The tokenizer of a run: the one in its folder, or one trained on the first scenes of its cache and put there. */
export async function runTokenizer(folder: string, cache: SceneCache, vocabSize: number): Promise<Tokenizer> {
  const path = tokenizerFile(folder);
  const existing = await readFile(path, 'utf8').catch(() => undefined);
  if (existing !== undefined) return createTokenizer(JSON.parse(existing) as TokenizerJson);
  const count = Math.min(corpusScenes, cache.count);
  const scenes = await Promise.all(Array.from({ length: count }, (_, index) => cache.scene(index)));
  const json = trainWorldTokenizer(scenes, vocabSize);
  await mkdir(folder, { recursive: true });
  await writeFile(path, JSON.stringify(json));
  return createTokenizer(json);
}

/** Scenes whose samples are enough to see every common word often. */
const corpusScenes = 1000;

/** @param scenes whose samples are the text, beside a list of all words that the world knows */
export function trainWorldTokenizer(scenes: Iterable<Scene>, vocabSize: number): TokenizerJson {
  const texts: string[] = worldPhrases().map((phrase) => ` ${phrase}`);
  for (const scene of scenes) {
    for (const { turns } of makeSamples(scene, sampleRandom(scene))) {
      for (const { question, answer } of turns) for (const { text } of [...question, ...answer]) texts.push(` ${text}`);
    }
  }
  return trainTokenizer(texts, {
    vocabSize,
    specialTokens: [...nanoChatTokens, ...groundingTokens(dialects.paper)],
  });
}
