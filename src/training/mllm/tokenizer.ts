/** The vocabulary of a model that learns RexWorld: byte-level BPE over everything that its samples say. */

import { nanoChatTokens } from '../../prompt/conversation.ts';
import { dialects, groundingTokens } from '../../prompt/special-tokens.ts';
import type { TokenizerJson } from '../../prompt/tokenizer/tokenizer-json.ts';
import { trainTokenizer } from '../../prompt/tokenizer/train-tokenizer.ts';
import { makeSamples, sampleRandom } from '../../world/samples.ts';
import type { Scene } from '../../world/scene.ts';
import { worldPhrases } from '../../world/vocabulary.ts';

/** @param scenes whose samples are the text, beside a list of all words that the world knows */
export function trainWorldTokenizer(scenes: Iterable<Scene>, vocabSize: number): TokenizerJson {
  const texts: string[] = worldPhrases().flatMap((phrase) => [phrase, ` ${phrase}`]);
  for (const scene of scenes) {
    for (const { turns } of makeSamples(scene, sampleRandom(scene))) {
      for (const { question, answer } of turns) for (const { text } of [...question, ...answer]) texts.push(text);
    }
  }
  return trainTokenizer(texts, {
    vocabSize,
    specialTokens: [...nanoChatTokens, ...groundingTokens(dialects.paper)],
  });
}
