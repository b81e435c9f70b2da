/** The vocabulary of a model that begins without one: byte-level BPE over everything that its conversations say. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ChatRexConfig, languageConfig } from '../../chatrex/config.ts';
import type { Dataset } from '../../datasets/dataset.ts';
import { ChatRexError } from '../../errors.ts';
import { writeBeside } from '../../files.ts';
import { dialects, groundingTokens } from '../../grounding/dialect.ts';
import { nanoChatTokens } from '../../prompt/conversation.ts';
import { createTokenizer, type Tokenizer } from '../../prompt/tokenizer/tokenizer.ts';
import { type TokenizerJson, tokenCount, withSpecialTokens } from '../../prompt/tokenizer/tokenizer-json.ts';
import { canContinue, trainTokenizer } from '../../prompt/tokenizer/train-tokenizer.ts';
import { createRandom } from '../../random.ts';

export const tokenizerFile = (folder: string): string => join(folder, 'tokenizer.json');

/** Samples of each data set whose conversations are enough to see every common word often. */
const corpusSamples = 1000;

/**
 * The tokenizer of a run: the one in its folder, or one trained on the first samples of its data and put there.
 * @param tasks whose conversations are the text
 * @param language a model folder: where training made its words, they come first and those of the data behind them;
 *   those of any other model are taken as they are, with the special tokens behind them
 * @throws ChatRexError 'invalid-argument' where the model's configuration has no room for these words, 'not-found'
 *   where the folder has no tokenizer.json
 */
export async function runTokenizer(
  folder: string,
  datasets: readonly Dataset[],
  tasks: readonly string[],
  model: ChatRexConfig,
  language?: string,
): Promise<Tokenizer> {
  const path = tokenizerFile(folder);
  const existing = await readFile(path, 'utf8').catch(() => undefined);
  if (existing !== undefined) return createTokenizer(parseTokenizer(existing, path));
  const base = language === undefined ? undefined : await tokenizerOf(language);
  const { vocabSize } = languageConfig(model);
  const grounding = groundingTokens(dialects[model.dialect]);
  const specialTokens = model.chatFormat === 'nano' ? [...nanoChatTokens, ...grounding] : grounding;
  const json =
    base && !canContinue(base)
      ? withSpecialTokens(base, specialTokens)
      : trainTokenizer(await corpusOf(datasets, tasks), { vocabSize, base, specialTokens });
  if (tokenCount(json) > vocabSize) {
    const came = `the words${language === undefined ? '' : ` of ${language}`} with ${specialTokens.length} special tokens need ${tokenCount(json)}`;
    throw new ChatRexError(
      'invalid-argument',
      `model.language.vocab_size: expected room for all words, came ${vocabSize}; ${came}`,
    );
  }
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

async function tokenizerOf(folder: string): Promise<TokenizerJson> {
  const path = tokenizerFile(folder);
  const text = await readFile(path, 'utf8').catch((cause) => {
    throw new ChatRexError('not-found', `${path} is missing; give the folder of a language model that has one`, {
      cause,
    });
  });
  return parseTokenizer(text, path);
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
