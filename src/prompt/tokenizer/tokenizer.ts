/**
 * Text to token ids and back, for every vocabulary this project meets.
 *
 * Encoding is done by `@huggingface/tokenizers`, told of no special token at all: text is text, and special tokens
 * exist only as ids asked for by name. Decoding is our own, because an answer is read while it is being written: byte
 * by byte, never cutting a character in half. Agrees with Hugging Face tokenizers and sentencepiece (see the tests) but
 * for decoding bytes that are no UTF-8: replaced as the Encoding Standard says, not one by one.
 */

import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { ChatRexError } from '../../errors.ts';
import { byteLevelBytes, sentencepieceBytes } from './token-bytes.ts';
import { flattenSteps, type Step, type TokenizerJson } from './tokenizer-json.ts';

export interface Tokenizer {
  /** Ids run from 0 to `vocabSize - 1`, added tokens included. */
  readonly vocabSize: number;
  /**
   * Ids of a text in which nothing is special: `</s>` is four characters.
   * `isContinuation`: the text follows a special token of the same stretch, not a beginning; vocabularies that put a
   * space before a beginning (Llama) and are not `legacy` then put none.
   */
  encode(text: string, options?: { isContinuation?: boolean }): number[];
  /** Text of ids, special tokens spelled by name. Unknown ids are U+FFFD. */
  decode(ids: Iterable<number>): string;
  /** A decoder that is fed ids one at a time; its pieces join to what `decode` gives. */
  createDecoder(): TokenDecoder;
  /** Id of a special token, undefined where the vocabulary has none of that name. */
  specialId(name: string): number | undefined;
  /** Name of a special token, undefined for any other id. */
  specialName(id: number): string | undefined;
  /** Ids of all special tokens, ascending. */
  specialIds(): number[];
  /** Adds special tokens after the last id, in order; names that exist keep their id. Returns the ids. */
  addTokens(names: readonly string[]): number[];
}

export interface TokenDecoder {
  /** The text that this id completes; empty while a character is still missing bytes. */
  push(id: number): string;
  /** What is left: U+FFFD where a character was never completed. */
  end(): string;
}

/** Where a space is put before a text, as Llama's vocabularies do: nowhere, at every stretch, at a beginning only. */
type PrefixScheme = 'none' | 'each' | 'first';

interface Spelling {
  prefix: PrefixScheme;
  /** Llama's `Metaspace` adds no second space before a text that begins with one; sentencepiece does. */
  isPrefixSkippedBeforeSpace: boolean;
  bytesOf: (piece: string) => Uint8Array;
}

/**
 * A tokenizer from the parsed content of a `tokenizer.json`.
 * `prefix` overrides where the leading space goes: 'first' is `legacy: false` of `tokenizer_config.json`.
 * @throws ChatRexError 'unsupported' for anything but BPE with byte-level or sentencepiece spelling.
 */
export function createTokenizer(json: TokenizerJson, options: { prefix?: 'each' | 'first' } = {}): Tokenizer {
  if (json?.model?.type !== 'BPE') {
    const type = json?.model?.type ?? 'no model';
    throw new ChatRexError(
      'unsupported',
      `tokenizer.json: expected a BPE model, came ${type}; use a Llama or Qwen2 one`,
    );
  }
  const { plain, spelling } = takePrefixOut(json);
  if (options.prefix && spelling.prefix !== 'none') spelling.prefix = options.prefix;
  const encoder = new HuggingFaceTokenizer({ ...plain, added_tokens: [] }, {});

  const specialIdOf = new Map(json.added_tokens.map(({ content, id }) => [content, id]));
  const specialNameOf = new Map(json.added_tokens.map(({ content, id }) => [id, content]));
  const pieces = new Map(Object.entries(json.model.vocab).map(([piece, id]) => [id, piece]));
  let vocabSize = 1 + [...pieces.keys(), ...specialNameOf.keys()].reduce((largest, id) => Math.max(largest, id), -1);

  const createDecoder = () => createTokenDecoder(spelling, specialNameOf, pieces);
  return {
    get vocabSize() {
      return vocabSize;
    },
    encode(text, { isContinuation = false } = {}) {
      if (text === '') return [];
      const hasPrefix =
        (spelling.prefix === 'each' || (spelling.prefix === 'first' && !isContinuation)) &&
        !(spelling.isPrefixSkippedBeforeSpace && /^[ ▁]/.test(text));
      // Lone surrogates are no text: as everywhere in UTF-8, they become U+FFFD.
      const { ids } = encoder.encode((hasPrefix ? '▁' : '') + text.replace(/\p{Cs}/gu, '\ufffd'), {
        add_special_tokens: false,
      });
      return ids;
    },
    decode(ids) {
      const decoder = createDecoder();
      let text = '';
      for (const id of ids) text += decoder.push(id);
      return text + decoder.end();
    },
    createDecoder,
    specialId: (name) => specialIdOf.get(name),
    specialName: (id) => specialNameOf.get(id),
    specialIds: () => [...specialNameOf.keys()].sort((a, b) => a - b),
    addTokens: (names) =>
      names.map((name) => {
        const known = specialIdOf.get(name);
        if (known !== undefined) return known;
        specialIdOf.set(name, vocabSize);
        specialNameOf.set(vocabSize, name);
        return vocabSize++;
      }),
  };
}

/** The same file without its leading-space rule, and that rule: we apply it ourselves, knowing what came before. */
function takePrefixOut(json: TokenizerJson): { plain: TokenizerJson; spelling: Spelling } {
  const decoders = flattenSteps(json.decoder).map(({ type }) => type);
  if (decoders.includes('ByteLevel')) {
    return { plain: json, spelling: { prefix: 'none', isPrefixSkippedBeforeSpace: false, bytesOf: byteLevelBytes } };
  }
  if (!decoders.includes('ByteFallback') && !decoders.includes('Metaspace')) {
    const found = decoders.join(', ') || 'none';
    throw new ChatRexError(
      'unsupported',
      `tokenizer.json: expected a ByteLevel or ByteFallback decoder, came ${found}`,
    );
  }
  const spelling: Spelling = { prefix: 'none', isPrefixSkippedBeforeSpace: false, bytesOf: sentencepieceBytes };
  const normalizers = flattenSteps(json.normalizer).filter((step) => {
    if (step.type === 'Prepend') spelling.prefix = 'each';
    return step.type !== 'Prepend';
  });
  const preTokenizers = flattenSteps(json.pre_tokenizer).map((step): Step => {
    if (step.type !== 'Metaspace') return step;
    const scheme = step.prepend_scheme ?? (step.add_prefix_space === false ? 'never' : 'always');
    if (scheme !== 'never') {
      spelling.prefix = scheme === 'first' ? 'first' : 'each';
      spelling.isPrefixSkippedBeforeSpace = true;
    }
    return { ...step, add_prefix_space: false, prepend_scheme: 'never' };
  });
  const plain = {
    ...json,
    normalizer: normalizers.length > 0 ? { type: 'Sequence', normalizers } : null,
    pre_tokenizer: preTokenizers.length > 0 ? { type: 'Sequence', pretokenizers: preTokenizers } : null,
  };
  return { plain, spelling };
}

function createTokenDecoder(
  { prefix, bytesOf }: Spelling,
  specialNameOf: ReadonlyMap<number, string>,
  pieces: ReadonlyMap<number, string>,
): TokenDecoder {
  const createUtf8 = () => new TextDecoder('utf-8', { ignoreBOM: true });
  let utf8 = createUtf8();
  let isPrefixDue = prefix !== 'none';
  const flush = () => {
    const rest = utf8.decode();
    utf8 = createUtf8();
    return rest;
  };
  return {
    push(id) {
      const name = specialNameOf.get(id);
      if (name !== undefined) {
        isPrefixDue = prefix === 'each';
        return flush() + name;
      }
      const piece = pieces.get(id);
      if (piece === undefined) return `${flush()}\ufffd`;
      let bytes = bytesOf(piece);
      if (isPrefixDue && bytes[0] === 0x20) bytes = bytes.subarray(1);
      isPrefixDue = false;
      return utf8.decode(bytes, { stream: true });
    },
    end: flush,
  };
}
