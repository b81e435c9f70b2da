/**
 * What every weight file offers, whatever its format: a map of named tensors, and reads of one tensor at a time.
 * Nothing stays open between calls, so there is nothing to close.
 */

import { ChatRexError } from '../errors.ts';
import { readRange, streamRange } from '../file-range.ts';
import { type TensorValues, viewValues, type WeightDtype } from './dtype.ts';
import { bfloat16ToFloat32, float16ToFloat32 } from './float16.ts';

/** Name, element type and shape (row-major order) of a tensor. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: WeightDtype;
  readonly shape: readonly number[];
}

/** Where a tensor's row-major little-endian bytes lie: what ONNX external data needs. */
export interface TensorLocation {
  /** The file, as its path was given (shards: joined with the folder of the index). */
  readonly path: string;
  /** From the start of the file, not of the data section. */
  readonly byteOffset: number;
  readonly byteLength: number;
}

/** A tensor that lies in a file exactly as it is used. */
export interface StoredTensor extends TensorInfo, TensorLocation {}

/** An open weight file, of any format. */
export interface WeightFile<Entry extends TensorInfo = StoredTensor> {
  /** As given to the function that opened it. */
  readonly path: string;
  /** Free text stored with the tensors. */
  readonly metadata: Readonly<Record<string, string>>;
  /** By name; safetensors in the order in which they lie in the file, others in the order of their own list. */
  readonly tensors: ReadonlyMap<string, Entry>;
  /** Raw values of one tensor, row-major; only its own bytes are read. @throws ChatRexError 'not-found' */
  read(name: string): Promise<TensorValues>;
  /** Values of a float tensor as float32. @throws ChatRexError 'not-found', 'unsupported' for other dtypes */
  readFloat32(name: string): Promise<Float32Array>;
  /** Row-major bytes of one tensor in chunks; a chunk is valid until the next is asked for. */
  stream(name: string): AsyncIterable<Uint8Array>;
}

/** How a format fetches the bytes of one of its tensors. */
interface ByteSource<Entry> {
  read(entry: Entry): Promise<Uint8Array<ArrayBuffer>>;
  stream(entry: Entry): AsyncIterable<Uint8Array>;
}

/** Reads tensors from where they lie. */
export const locatedBytes: ByteSource<StoredTensor> = {
  read: ({ path, byteOffset, byteLength }) => readRange(path, byteOffset, byteLength),
  stream: ({ path, byteOffset, byteLength }) => streamRange(path, byteOffset, byteLength),
};

/** A weight file from its list of tensors and a way to fetch the bytes of one. */
export function createWeightFile<Entry extends TensorInfo>(
  path: string,
  metadata: Readonly<Record<string, string>>,
  tensors: ReadonlyMap<string, Entry>,
  source: ByteSource<Entry>,
): WeightFile<Entry> {
  const find = (name: string): Entry => {
    const entry = tensors.get(name);
    if (entry !== undefined) return entry;
    throw new ChatRexError('not-found', `${path} has no tensor ${JSON.stringify(name)} among its ${tensors.size}`);
  };
  const read = async (name: string) => viewValues(await source.read(find(name)), find(name).dtype);
  return {
    path,
    metadata,
    tensors,
    read,
    readFloat32: async (name) => toFloat32(await read(name), find(name).dtype),
    stream: (name) => source.stream(find(name)),
  };
}

/**
 * Float values of any width as float32; float32 values are returned as they are, not copied.
 *
 * @throws ChatRexError 'unsupported' for integers and booleans
 */
export function toFloat32(values: TensorValues, dtype: WeightDtype): Float32Array {
  if (dtype === 'float32') return values as Float32Array;
  if (dtype === 'float16') return float16ToFloat32(values as Uint16Array);
  if (dtype === 'bfloat16') return bfloat16ToFloat32(values as Uint16Array);
  if (dtype === 'float64') return Float32Array.from(values as Float64Array);
  throw new ChatRexError(
    'unsupported',
    `only float tensors become float32, not ${dtype}: use read() for the raw values`,
  );
}
