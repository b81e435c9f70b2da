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
