/**
 * Reads a sentencepiece `tokenizer.model` (protobuf `ModelProto`) and says the same as a `tokenizer.json`.
 *
 * Sentencepiece's BPE joins the neighbours whose join is the best-scored piece; as merges: every way to split a piece
 * into two pieces, best score first. Field numbers from google/sentencepiece `sentencepiece_model.proto`. Not
 * supported, as no model of this family has them: unigram models and rules that change the text. User-defined symbols
 * become special tokens: like all of those, they are not looked for in text.
 */

import { BinaryReader } from '@bufbuild/protobuf/wire';
import { ChatRexError } from '../../errors.ts';
import { type Step, specialToken, type TokenizerJson } from './tokenizer-json.ts';

type PieceType = 'normal' | 'unknown' | 'control' | 'user-defined' | 'unused' | 'byte';
const pieceTypes: Record<number, PieceType> = {
  1: 'normal',
  2: 'unknown',
  3: 'control',
  4: 'user-defined',
  5: 'unused',
  6: 'byte',
};

interface Piece {
  text: string;
  score: number;
  type: PieceType;
}

interface SentencepieceModel {
  pieces: Piece[];
  isBpe: boolean;
  /** Compiled normalisation (NFKC and the like) or removal of extra spaces. */
  hasTextRules: boolean;
  addDummyPrefix: boolean;
}

/**
 * The content of a `tokenizer.model` as that of a `tokenizer.json`.
 * @throws ChatRexError 'invalid-file' when the bytes are no such model, 'unsupported' for unigram models or text rules.
 */
export function sentencepieceToTokenizerJson(bytes: Uint8Array): TokenizerJson {
  const model = readModel(bytes);
  if (!model.isBpe || model.hasTextRules) {
    const what = model.isBpe ? 'rules that change the text' : 'a model that is not BPE';
    throw new ChatRexError('unsupported', `tokenizer.model: ${what}; use the tokenizer.json of the same model`);
  }
  const { pieces } = model;
  const isSpecial = ({ type }: Piece) => type === 'control' || type === 'unknown' || type === 'user-defined';
  const space = '▁';
  const normalizers: Step[] = [{ type: 'Replace', pattern: { String: ' ' }, content: space }];
  if (model.addDummyPrefix) normalizers.unshift({ type: 'Prepend', prepend: space });
  return {
    version: '1.0',
    added_tokens: pieces.flatMap((piece, id) => (isSpecial(piece) ? [specialToken(id, piece.text)] : [])),
    normalizer: { type: 'Sequence', normalizers },
    pre_tokenizer: null,
    post_processor: null,
    decoder: { type: 'ByteFallback' },
    model: {
      type: 'BPE',
      vocab: Object.fromEntries(pieces.map(({ text }, id) => [text, id])),
      merges: mergesOf(pieces),
      unk_token: pieces.find(({ type }) => type === 'unknown')?.text ?? null,
      fuse_unk: true,
      byte_fallback: pieces.some(({ type }) => type === 'byte'),
    },
  };
}

/** Every split of a piece into two pieces, best score first, then by the ids of the halves. */
function mergesOf(pieces: readonly Piece[]): [string, string][] {
  const isJoinable = ({ type }: Piece) => type === 'normal' || type === 'user-defined';
  const idOf = new Map(pieces.flatMap((piece, id) => (isJoinable(piece) ? [[piece.text, id]] : [])));
  const splits: { score: number; left: number; right: number }[] = [];
  for (const { text, score, type } of pieces) {
    if (type !== 'normal') continue;
    for (let cut = 1; cut < text.length; cut++) {
      const left = idOf.get(text.slice(0, cut));
      const right = idOf.get(text.slice(cut));
      if (left !== undefined && right !== undefined) splits.push({ score, left, right });
    }
  }
  splits.sort((a, b) => b.score - a.score || a.left - b.left || a.right - b.right);
  return splits.map(({ left, right }) => [pieces[left].text, pieces[right].text]);
}

function readModel(bytes: Uint8Array): SentencepieceModel {
  // What the format means where a field is not written: a prefix, and extra spaces removed.
  const model = { pieces: [] as Piece[], isBpe: false, hasTextRules: false, addDummyPrefix: true };
  let hasCompiledRules = false;
  let removesSpaces = true;
  try {
    readFields(bytes, {
      1: (reader) => model.pieces.push(readPiece(reader.bytes())),
      2: (reader) => readFields(reader.bytes(), { 3: (trainer) => (model.isBpe = trainer.int32() === 2) }),
      3: (reader) =>
        readFields(reader.bytes(), {
          2: (rules) => (hasCompiledRules = rules.bytes().length > 0),
          3: (rules) => (model.addDummyPrefix = rules.bool()),
          4: (rules) => (removesSpaces = rules.bool()),
        }),
    });
  } catch (cause) {
    if (cause instanceof ChatRexError) throw cause;
    throw new ChatRexError('invalid-file', notAModel, { cause });
  }
  if (model.pieces.length === 0) throw new ChatRexError('invalid-file', notAModel);
  model.hasTextRules = hasCompiledRules || removesSpaces;
  return model;
}

const notAModel = 'tokenizer.model: expected a sentencepiece model, came other or cut bytes; download the file again';

function readPiece(bytes: Uint8Array): Piece {
  const piece: Piece = { text: '', score: 0, type: 'normal' };
  readFields(bytes, {
    1: (reader) => (piece.text = reader.string()),
    2: (reader) => (piece.score = reader.float()),
    3: (reader) => (piece.type = pieceTypes[reader.int32()] ?? 'unused'),
  });
  return piece;
}

/** Reads the named fields of one protobuf message and skips all others. */
function readFields(bytes: Uint8Array, fields: Record<number, (reader: BinaryReader) => unknown>): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (fields[field]) fields[field](reader);
    else reader.skip(wireType, field);
  }
}
