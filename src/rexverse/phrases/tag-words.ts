/** Words of an English text with their parts of speech and places, by wink-nlp and its English model (both MIT). */

import model from 'wink-eng-lite-web-model';
import winkNLP, {
  type ItemSentence,
  type ItemToken,
  type ItsFunction,
  type ItsHelpers,
  type WinkMethods,
} from 'wink-nlp';

export interface Word {
  readonly text: string;
  readonly lower: string;
  /** Universal part of speech: NOUN, PROPN, ADJ, DET ... */
  readonly tag: string;
  readonly lemma: string;
  /** Characters of the text, end excluded. */
  readonly start: number;
  readonly end: number;
}

let tagger: { nlp: WinkMethods; its: ItsHelpers } | undefined;

/** The words of each sentence. */
export function tagWords(text: string): Word[][] {
  if (tagger === undefined) {
    const nlp = winkNLP(model, ['sbd', 'pos']);
    tagger = { nlp, its: nlp.its };
  }
  const { nlp, its } = tagger;
  const sentences: Word[][] = [];
  let end = 0;
  // The tagger takes capitals for names. Only letters whose lower case is as long change, so that places stay.
  const spelled = isShouted(text) ? text.replace(/\p{Lu}/gu, lowerOfSameLength) : text;
  nlp
    .readDoc(spelled)
    .sentences()
    .each((sentence: ItemSentence) => {
      const words: Word[] = [];
      sentence.tokens().each((token: ItemToken) => {
        const value = token.out();
        // The tokenizer may normalise white space, so the place is looked up in the text itself.
        const start = spelled.indexOf(value, end);
        if (start < 0) return;
        end = start + value.length;
        const [tag, lemma] = [token.out(its.pos), token.out(its.lemma as ItsFunction<string>)];
        words.push({ text: text.slice(start, end), lower: value.toLowerCase(), tag, lemma, start, end });
      });
      sentences.push(words);
    });
  return sentences;
}

function isShouted(text: string): boolean {
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  return letters > 3 && (text.match(/\p{Lu}/gu)?.length ?? 0) > 0.8 * letters;
}

function lowerOfSameLength(letter: string): string {
  const lower = letter.toLowerCase();
  return lower.length === letter.length ? lower : letter;
}
