/**
 * The parts of the Hugging Face `tokenizer.json` format that this project reads or writes: BPE with byte-level pieces
 * (Qwen2.5, nano) or with `▁` for spaces and byte fallback (Llama, Vicuna).
 */

/** One step of a normaliser, pre-tokenizer or decoder; the fields depend on `type`. */
export interface Step {
  type: string;
  [field: string]: unknown;
}

export interface AddedToken {
  id: number;
  content: string;
  special: boolean;
  single_word: boolean;
  lstrip: boolean;
  rstrip: boolean;
  normalized: boolean;
}

export interface BpeModel {
  type: 'BPE';
  vocab: Record<string, number>;
  /** Pairs as `"left right"` or, where pieces may hold spaces, as `[left, right]`; earlier merges win. */
  merges: (string | [string, string])[];
  unk_token?: string | null;
  fuse_unk?: boolean;
  byte_fallback?: boolean;
}

export interface TokenizerJson {
  version: string;
  added_tokens: AddedToken[];
  normalizer: Step | null;
  pre_tokenizer: Step | null;
  post_processor: Step | null;
  decoder: Step | null;
  model: BpeModel;
}

/** A special token as `tokenizer.json` lists it: matched exactly, nothing stripped around it. */
export function specialToken(id: number, content: string): AddedToken {
  return { id, content, special: true, single_word: false, lstrip: false, rstrip: false, normalized: false };
}

/**
 * A tokenizer with these special tokens too: those that it has keep their ids, the others come behind its last.
 * @example withSpecialTokens(smollm2, groundingTokens(dialects.paper)); // 104 more tokens
 */
export function withSpecialTokens(json: TokenizerJson, names: readonly string[]): TokenizerJson {
  const known = new Set(json.added_tokens.map(({ content }) => content));
  const first = tokenCount(json);
  const added = names.filter((name) => !known.has(name)).map((name, i) => specialToken(first + i, name));
  return { ...json, added_tokens: [...json.added_tokens, ...added] };
}

/** One more than the last id. */
export function tokenCount({ model, added_tokens: added }: TokenizerJson): number {
  let last = -1;
  for (const id of Object.values(model.vocab)) last = Math.max(last, id);
  for (const { id } of added) last = Math.max(last, id);
  return last + 1;
}

/** The steps of a step: itself, or those a `Sequence` holds, flattened. */
export function flattenSteps(step: Step | null | undefined): Step[] {
  if (!step) return [];
  if (step.type !== 'Sequence') return [step];
  const inner = Object.values(step).find(Array.isArray) as Step[] | undefined;
  return (inner ?? []).flatMap(flattenSteps);
}

/** A whole `tokenizer.json` for a byte-level BPE: `pattern` cuts text into words, merges stay inside a word. */
export function byteLevelTokenizerJson(parts: {
  vocab: Record<string, number>;
  merges: BpeModel['merges'];
  pattern: string;
  normalizer: Step | null;
  special: AddedToken[];
}): TokenizerJson {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  const split = { type: 'Split', pattern: { Regex: parts.pattern }, behavior: 'Isolated', invert: false };
  return {
    version: '1.0',
    added_tokens: parts.special,
    normalizer: parts.normalizer,
    pre_tokenizer: { type: 'Sequence', pretokenizers: [split, byteLevel] },
    post_processor: null,
    decoder: byteLevel,
    model: { type: 'BPE', vocab: parts.vocab, merges: parts.merges },
  };
}
