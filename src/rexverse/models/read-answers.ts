/** Reads what language models answer in plain words: sentences, yes or no, refusals. */

import { CallError } from './errors.ts';
import type { Verdict } from './roles.ts';

/** Goes into the keys of calls: raise it when an answer would be read in another way. */
export const sentenceParser = 'sentence/1';
export const verdictParser = 'verdict/1';

/** A longer caption is no caption; what comes of it is left out by the stages. */
const maxCharacters = 100_000;

/**
 * One text without the wrapping that models add: quotation marks, labels, Markdown, runs of white space.
 * @throws CallError 'empty'
 */
export function readSentence(answer: string): string {
  const bare = answer
    .slice(0, maxCharacters)
    .replace(/<think>[\s\S]*?<\/think>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/^(?:\*\*)?(?:caption|description|referring description|answer|output)(?:\*\*)?\s*:\s*(?:\*\*)?\s*/i, '')
    .replace(/^(["'“”*`]+)([\s\S]*?)\1$/, '$2')
    .replace(/^“([\s\S]*)”$/, '$1')
    .trim();
  if (bare === '') throw new CallError('empty', 'the answer is empty');
  return bare;
}

/** Whether a model declines to answer. Such an answer is final: asking again costs and does not help. */
export function isRefusal(text: string): boolean {
  return /^(?:i['’]?m sorry|i am sorry|sorry[,.]|i (?:can(?:no|['’])t|cannot|am unable|['’]m unable|won['’]t)|as an ai\b|unfortunately,? i\b)/i.test(
    text.trim(),
  );
}

/** @throws CallError 'unreadable' when neither yes nor no is the first of the two words that comes */
export function readVerdict(answer: string): Verdict {
  const word = /\b(yes|no)\b/i.exec(answer.replace(/<think>[\s\S]*?<\/think>/g, ' '))?.[1].toLowerCase();
  if (word === undefined) {
    throw new CallError('unreadable', `expected yes or no, came "${answer.trim().slice(0, 40)}"`);
  }
  return word === 'yes' ? { fits: true } : { fits: false, reason: 'description does not fit' };
}
