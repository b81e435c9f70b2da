/** The vocabulary of a model that begins without one: byte-level BPE over everything that its conversations say. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset } from '../../datasets/dataset.ts';
import { ChatRexError } from '../../errors.ts';
import { writeBeside } from '../../files.ts';
import { dialects, groundingTokens } from '../../grounding/dialect.ts';
import { nanoChatTokens } from '../../prompt/conversation.ts';
import { createTokenizer, type Tokenizer } from '../../prompt/tokenizer/tokenizer.ts';
import type { TokenizerJson } from '../../prompt/tokenizer/tokenizer-json.ts';
import { trainTokenizer } from '../../prompt/tokenizer/train-tokenizer.ts';
import { createRandom } from '../../random.ts';

export const tokenizerFile = (folder: string): string => join(folder, 'tokenizer.json');

/** Samples of each data set whose conversations are enough to see every common word often. */
const corpusSamples = 1000;

/**
 * The tokenizer of a run: the one in its folder, or one trained on the first samples of its data and put there.
 * @param tasks whose conversations are the text
 * @param language a model folder whose words come first, those of the data behind them
 */
export async function runTokenizer(
  folder: string,
  datasets: readonly Dataset[],
  tasks: readonly string[],
  vocabSize: number,
  language?: string,
): Promise<Tokenizer> {
  const path = tokenizerFile(folder);
  const existing = await readFile(path, 'utf8').catch(() => undefined);
  if (existing !== undefined) return createTokenizer(parseTokenizer(existing, path));
  const known = language === undefined ? undefined : tokenizerFile(language);
  const json = trainTokenizer(await corpusOf(datasets, tasks), {
    vocabSize,
    base: known === undefined ? undefined : parseTokenizer(await readFile(known, 'utf8'), known),
    specialTokens: [...nanoChatTokens, ...groundingTokens(dialects.paper)],
  });
  await writeBeside(path, (file) => file.writeFile(JSON.stringify(json)));
  return createTokenizer(json);
}

/** Words of the sets, then what their conversations say. */
export async function corpusOf(datasets: readonly Dataset[], tasks: readonly string[]): Promise<string[]> {
  const texts: string[] = [];
  const say = (text: string) => texts.push(` ${text}`);
  const counts = Object.fromEntries(tasks.map((task) => [task, 1]));
  for (const dataset of datasets) {
    for (const word of dataset.wordList ?? dataset.vocabulary.map(({ name }) => name)) say(word);
    for (let index = 0; index < Math.min(corpusSamples, dataset.size); index++) {
      const random = createRandom(`corpus/${dataset.name}/${index}`);
      for (const { turns } of await dataset.conversations(index, { counts, wordings: 'seen', random })) {
        for (const { question, answer } of turns) for (const { text } of [...question, ...answer]) say(text);
      }
    }
  }
  return texts;
}

function parseTokenizer(text: string, path: string): TokenizerJson {
  try {
    return JSON.parse(text) as TokenizerJson;
  } catch (cause) {
    throw new ChatRexError('invalid-file', `${path} is not JSON; delete it to train a tokenizer, or copy one there`, {
      cause,
    });
  }
}
