/** Many wordings from few patterns: `(Find|Locate) [OBJ]( here)?.` stands for four sentences. */

/** Wordings of one kind of question: those that training hears, and those held out for validation and test. */
export interface Wordings {
  readonly seen: readonly string[];
  readonly unseen: readonly string[];
}

/**
 * @param patterns sentences with alternatives `(a|b)`, optional where a `?` follows, the first of two at a question's
 *   end; no parentheses within parentheses
 * @param unseen sentences; none of them is heard, even where a pattern stands for it
 */
export function wordings(patterns: readonly string[], unseen: readonly string[]): Wordings {
  const sentences = patterns
    .flatMap(sentencesOf)
    .map(tidied)
    .filter((sentence) => !unseen.includes(sentence));
  return { seen: [...new Set(sentences)], unseen };
}

function sentencesOf(pattern: string): string[] {
  const match = /\(([^()]*)\)(\??)/.exec(pattern);
  if (!match) return [pattern];
  const [whole, options, isOptional] = match;
  const before = pattern.slice(0, match.index);
  const after = pattern.slice(match.index + whole.length);
  const choices = [...options.split('|'), ...(isOptional ? [''] : [])];
  return choices.flatMap((choice) => sentencesOf(before + choice + after));
}

/** What was left out leaves no gap, and what then comes first is a beginning. */
const tidied = (sentence: string): string =>
  sentence
    .replace(/ +/g, ' ')
    .trim()
    .replace(/^[a-z]/, (letter) => letter.toUpperCase());
