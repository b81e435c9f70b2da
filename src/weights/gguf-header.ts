/**
 * Parses the header of a GGUF file, versions 2 and 3: metadata of any type, and where every tensor lies (ggml,
 * `docs/gguf.md`). Nothing in it is believed: counts are held against the bytes that are there, offsets against the
 * size of the file.
 */

import { ChatRexError } from '../errors.ts';
import { type GgufType, ggufTypes, storedBytes } from './gguf-blocks.ts';

export type GgufValue = number | boolean | string | readonly GgufValue[];

export interface GgufTensor {
  readonly name: string;
  readonly type: GgufType;
  /** Row-major, as everywhere here; the file lists sizes the other way round. */
  readonly shape: readonly number[];
  /** From the start of the file. */
  readonly byteOffset: number;
  readonly byteLength: number;
}

export interface GgufHeader {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

/** Thrown where the bytes end before the header does: with more of the file it may go further. */
export class HeaderIsLonger extends Error {}

const magic = 0x46554747; // 'GGUF', little endian
const versions = [2, 3];
const maxTensors = 100_000;
const maxMetadata = 10_000;
const maxDimensions = 4;
/** Lists of lists are allowed by the format and written by nobody. */
const maxDepth = 3;
const defaultAlignment = 32;

/** The format's numbers of types, with the bytes each value takes at least. */
const [stringType, arrayType] = [8, 9];
const leastBytes = [1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8];

interface Source {
  readonly path: string;
  readonly fileBytes: number;
}

/**
 * The header from the first bytes of a file.
 * @throws ChatRexError 'invalid-file' for anything malformed, 'unsupported' for versions and element types that are not
 *   read, 'limit-exceeded'; HeaderIsLonger when `bytes` end first
 */
export function parseGgufHeader(bytes: Uint8Array, source: Source): GgufHeader {
  const cursor = createCursor(bytes, source);
  const { path } = source;
  if (cursor.uint32() !== magic) throw invalid(path, 'does not begin with GGUF: it is another format');
  const version = cursor.uint32();
  if (!versions.includes(version)) {
    throw new ChatRexError('unsupported', `${path}: GGUF version ${version}; expected 2 or 3`);
  }
  const tensorCount = cursor.count(maxTensors, 'tensors');
  const metadataCount = cursor.count(maxMetadata, 'metadata');
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < metadataCount; i++) {
    const key = cursor.text();
    metadata.set(key, cursor.value(cursor.uint32(), 0));
  }
  const listed = Array.from({ length: tensorCount }, () => readTensor(cursor, path));
  const alignment = metadata.get('general.alignment') ?? defaultAlignment;
  if (typeof alignment !== 'number' || !(alignment >= 1) || alignment % 8 !== 0) {
    throw invalid(path, `general.alignment is ${String(alignment)}; expected a multiple of 8`);
  }
  const dataStart = Math.ceil(cursor.position() / alignment) * alignment;
  const tensors = new Map<string, GgufTensor>();
  for (const { offset, ...tensor } of listed) {
    const byteOffset = dataStart + offset;
    const end = byteOffset + tensor.byteLength;
    if (offset % alignment !== 0 || !(end <= source.fileBytes)) {
      throw invalid(
        path,
        `tensor ${JSON.stringify(tensor.name)} ends at byte ${end} of ${source.fileBytes}: truncated?`,
      );
    }
    if (tensors.has(tensor.name)) throw invalid(path, `holds two tensors called ${JSON.stringify(tensor.name)}`);
    tensors.set(tensor.name, { ...tensor, byteOffset });
  }
  return { metadata, tensors };
}

function readTensor(cursor: Cursor, path: string) {
  const name = cursor.text();
  const dimensions = cursor.uint32();
  if (dimensions > maxDimensions) throw invalid(path, `tensor ${JSON.stringify(name)} has ${dimensions} dimensions`);
  const shape = Array.from({ length: dimensions }, () => cursor.size()).reverse();
  const number = cursor.uint32();
  const type = ggufTypes.get(number);
  if (!type) {
    const known = [...ggufTypes.values()].join(', ');
    throw new ChatRexError(
      'unsupported',
      `${path}: tensor ${JSON.stringify(name)} is of ggml type ${number}; expected one of ${known}`,
    );
  }
  const byteLength = storedBytes(type, shape);
  if (!Number.isSafeInteger(byteLength)) {
    throw invalid(path, `tensor ${JSON.stringify(name)} of shape [${shape}] cannot be stored as ${type}`);
  }
  return { name, type, shape, byteLength, offset: cursor.size() };
}

interface Cursor {
  position(): number;
  uint32(): number;
  /** An unsigned 64-bit integer that a double holds exactly. */
  size(): number;
  /** A size that is not above `most`. */
  count(most: number, of: string): number;
  text(): string;
  value(type: number, depth: number): GgufValue;
}

function createCursor(bytes: Uint8Array, { path, fileBytes }: Source): Cursor {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decoder = new TextDecoder();
  let at = 0;
  /** Moves on by `length` bytes; returns where they begin. */
  const take = (length: number): number => {
    if (at + length > fileBytes) throw invalid(path, `ends inside its header: truncated`);
    if (at + length > bytes.byteLength) throw new HeaderIsLonger();
    at += length;
    return at - length;
  };
  const size = (): number => {
    const value = Number(view.getBigUint64(take(8), true));
    if (!Number.isSafeInteger(value)) throw invalid(path, `holds the size ${value}`);
    return value;
  };
  const text = (): string => {
    const length = size();
    const start = take(length);
    return decoder.decode(bytes.subarray(start, start + length));
  };
  const signed64 = (): number => Number(view.getBigInt64(take(8), true));
  const scalars: readonly (() => number | boolean | string)[] = [
    () => view.getUint8(take(1)),
    () => view.getInt8(take(1)),
    () => view.getUint16(take(2), true),
    () => view.getInt16(take(2), true),
    () => view.getUint32(take(4), true),
    () => view.getInt32(take(4), true),
    () => view.getFloat32(take(4), true),
    () => view.getUint8(take(1)) !== 0,
    text,
    () => '',
    () => Number(view.getBigUint64(take(8), true)),
    signed64,
    () => view.getFloat64(take(8), true),
  ];
  const value = (type: number, depth: number): GgufValue => {
    if (type > stringType + 4) throw invalid(path, `holds metadata of the unknown type ${type}`);
    if (type !== arrayType) return scalars[type]();
    const itemType = view.getUint32(take(4), true);
    const length = size();
    if (depth >= maxDepth) throw invalid(path, `holds lists in lists, ${maxDepth} deep`);
    // A list longer than the rest of the file is a lie that must not take memory.
    if (at + length * (leastBytes[itemType] ?? 1) > fileBytes) throw invalid(path, `holds a list of ${length} items`);
    return Array.from({ length }, () => value(itemType, depth + 1));
  };
  return {
    position: () => at,
    uint32: () => view.getUint32(take(4), true),
    size,
    count: (most, of) => {
      const found = size();
      if (found <= most) return found;
      throw new ChatRexError('limit-exceeded', `${path}: ${found} ${of}, at most ${most} allowed`);
    },
    text,
    value,
  };
}

const invalid = (path: string, problem: string): ChatRexError => new ChatRexError('invalid-file', `${path} ${problem}`);
