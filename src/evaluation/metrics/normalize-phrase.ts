const ARTICLES = new Set(['a', 'an', 'the']);

/**
 * One spelling for phrases and short answers that mean the same, in the manner of SQuAD's and VQA's scorers:
 * lower case, no punctuation, no articles, single spaces.
 */
export function normalizePhrase(phrase: string): string {
  return phrase
    .normalize('NFKC')
    .toLowerCase()
    .split(/[^\p{L}\p{M}\p{N}]+/u)
    .filter((word) => word !== '' && !ARTICLES.has(word))
    .join(' ');
}
