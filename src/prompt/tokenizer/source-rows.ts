/** From the tokens of one vocabulary to those of another that say the same: which rows an embedding begins with. */

import { readFile } from 'node:fs/promises';
import { createTokenizer } from './tokenizer.ts';
import type { TokenizerJson } from './tokenizer-json.ts';

/**
 * @param vocabulary paths of the two `tokenizer.json`
 * @returns as `sourceRows`
 */
export async function readSourceRows(vocabulary: { readonly from: string; readonly to: string }): Promise<number[][]> {
  const read = async (path: string) => JSON.parse(await readFile(path, 'utf8')) as TokenizerJson;
  return sourceRows(await read(vocabulary.from), await read(vocabulary.to));
}

/**
 * For each token of `to`, the tokens that `from` reads its text as; special tokens are those of the same name.
 * @returns [tokens of `to`]; empty for a special token that `from` has not
 * @example sourceRows(nano, withMoreWords)[2400]; // [312, 87]: a new word was two pieces before
 */
export function sourceRows(from: TokenizerJson, to: TokenizerJson): number[][] {
  const special = new Map(from.added_tokens.map(({ content, id }) => [content, id]));
  const [old, fresh] = [createTokenizer(from), createTokenizer(to)];
  const rows: number[][] = [];
  for (const [piece, id] of Object.entries(to.model.vocab)) {
    const known = from.model.vocab[piece];
    rows[id] = known === undefined ? old.encode(fresh.decode([id])) : [known];
  }
  for (const { content, id } of to.added_tokens) {
    const known = special.get(content);
    rows[id] = known === undefined ? [] : [known];
  }
  return rows;
}
