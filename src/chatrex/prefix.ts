/** Embeddings of everything before the first question: words, the image, its objects. */

import type { LanguageModel, Lexicon } from '../language/language-model.ts';
import { objectsByIndexToken, type PromptSegment } from '../prompt/conversation.ts';
import { type HostTensor, hostTensor } from '../runtime/host-tensor.ts';
import type { SeenTokens } from './vision-encoder.ts';

/**
 * @param isTied whether an object's token has its index in it
 * @returns float32 [tokens, hiddenSize]
 */
export async function embedPrefix(
  segments: readonly PromptSegment[],
  { imageTokens, objectTokens }: SeenTokens,
  language: LanguageModel,
  isTied: boolean,
): Promise<HostTensor<'float32'>> {
  const { hiddenSize } = language.config;
  const words = segments.flatMap((segment) =>
    segment.kind === 'tokens' ? segment.ids : segment.kind === 'object' ? [segment.id] : [],
  );
  const embedded = await language.embed(words);
  let word = 0;
  const takeWords = (count: number) => {
    const rows = embedded.data.subarray(word * hiddenSize, (word + count) * hiddenSize);
    word += count;
    return rows;
  };
  const parts = segments.flatMap((segment) => {
    if (segment.kind === 'image') return [imageTokens.data];
    if (segment.kind === 'tokens') return [takeWords(segment.ids.length)];
    const start = segment.index * hiddenSize;
    const index = takeWords(1);
    const object = objectTokens.data.subarray(start, start + hiddenSize);
    return [index, isTied ? object.map((value, i) => value + index[i]) : object];
  });
  const values = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    values.set(part, at);
    at += part.length;
  }
  return hostTensor('float32', [values.length / hiddenSize, hiddenSize], values);
}

/**
 * Words of a model whose objects are tied: reading `<objN>` adds object N's embedding, writing it adds object N's
 * similarity to its logit.
 */
export function objectLexicon(
  prefix: readonly PromptSegment[],
  { objectTokens, objectChoices = objectTokens }: Pick<SeenTokens, 'objectTokens' | 'objectChoices'>,
  language: LanguageModel,
): Lexicon {
  const { hiddenSize } = language.config;
  const objectOf = objectsByIndexToken(prefix);
  return {
    embed: async (ids) => {
      const embedded = await language.embed(ids);
      ids.forEach((id, row) => {
        const object = objectOf.get(id);
        if (object === undefined) return;
        for (let i = 0; i < hiddenSize; i++) {
          embedded.data[row * hiddenSize + i] += objectTokens.data[object * hiddenSize + i];
        }
      });
      return embedded;
    },
    score: (logits, hidden) => {
      for (const [id, object] of objectOf) {
        for (let i = 0; i < hiddenSize; i++) logits[id] += hidden[i] * objectChoices.data[object * hiddenSize + i];
      }
    },
  };
}
