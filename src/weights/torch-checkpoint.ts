/**
 * Reads PyTorch checkpoints (.pth, .pt, .bin; the zip format of PyTorch 1.6 and later) without Python and without
 * running anything that they contain. Agrees with torch.load(weights_only=True) on tensors, parameters and containers
 * of them. Only the directory and the pickle are read on opening; storages stay on disk, and a contiguous tensor can
 * even be used in place, since the archive stores it uncompressed.
 */

import type { FileHandle } from 'node:fs/promises';
import { ChatRexError } from '../errors.ts';
import { readFrom, readRange, streamRange, withFile } from '../file-range.ts';
import { elementCount, itemSizeBytes, tensorBytes } from './dtype.ts';
import { unpickle } from './pickle.ts';
import { collectTensors, findWeightsKey } from './torch-collect.ts';
import { gatherStrided, spanElements } from './torch-gather.ts';
import { createTorchHost, type TorchTensor } from './torch-pickle.ts';
import { createWeightFile, type TensorInfo, type TensorLocation, type WeightFile } from './weight-file.ts';
import { refuseWrongHead } from './wrong-content.ts';
import { readZipEntries, type ZipEntry } from './zip.ts';

/** A tensor of a PyTorch checkpoint. */
export interface TorchTensorInfo extends TensorInfo {
  /**
   * Where its bytes lie when they are contiguous; undefined for a strided view, which only read() and stream() give.
   */
  readonly location: TensorLocation | undefined;
}

/** An open PyTorch checkpoint. */
export interface TorchCheckpoint extends WeightFile<TorchTensorInfo> {
  /** Paths of the values under the chosen key that are not tensors, such as an epoch counter. */
  readonly otherValues: readonly string[];
}

/** The pickle of a 700-tensor checkpoint has about 100 kB. */
const maxPickleBytes = 64 * 2 ** 20;

/**
 * An expanded tensor (stride 0) can claim any size from one stored element; this is the most that is laid out for it.
 */
const maxStridedBytes = 2 ** 31;

/** A tensor with what is needed to lay out a strided view. */
interface Placed extends TorchTensorInfo {
  readonly path: string;
  readonly tensor: TorchTensor;
  readonly storageOffset: number;
}

/**
 * Opens a PyTorch checkpoint. Nested dicts and lists become dotted names: `{"model": {"head.weight": t}}` holds
 * `model.head.weight`, or `head.weight` when opened with the key `model`.
 *
 * @param options.key opens only what the checkpoint's dict holds under this key
 * @param options.findsKey without a key, opens only the weights of a training checkpoint, not its optimizer's moments
 * @throws ChatRexError 'not-found' for a missing file or key; 'invalid-file' for a malformed archive or pickle, and for
 *   one that holds other Python objects among its tensors; 'unsupported' for files of PyTorch before 1.6, TorchScript
 *   and big-endian archives; 'limit-exceeded' for an oversized pickle or directory
 * @example
 * const checkpoint = await openTorchCheckpoint('upn_large.pth', { key: 'model' });
 */
export async function openTorchCheckpoint(
  path: string,
  options: { readonly key?: string; readonly findsKey?: boolean } = {},
): Promise<TorchCheckpoint> {
  return withFile(path, async (file, fileBytes) => {
    await refuseWrongHead(file, path, fileBytes);
    await refuseLegacyFormat(file, path, fileBytes);
    const entries = await readZipEntries(file, path, fileBytes);
    const pickleName = findPickle(path, entries);
    const folder = pickleName.slice(0, -'data.pkl'.length);
    await refuseOtherArchives(file, path, entries, folder);
    const pickle = entries.get(pickleName)!;
    if (pickle.byteLength > maxPickleBytes) {
      const message = `${path}: pickle of ${pickle.byteLength} bytes, at most ${maxPickleBytes} allowed`;
      throw new ChatRexError('limit-exceeded', message);
    }
    const root = unpickle(await readFrom(file, path, pickle.byteOffset, pickle.byteLength), createTorchHost(path));
    const key = options.key ?? (options.findsKey ? findWeightsKey(path, root) : undefined);
    const { tensors, otherValues } = collectTensors(path, root, key);
    const placed = [...tensors].map(([name, tensor]) =>
      place(path, name, tensor, entries.get(`${folder}data/${tensor.storage.key}`)),
    );
    const byName = new Map(placed.map((entry) => [entry.name, entry]));
    return { ...createWeightFile<Placed>(path, {}, byName, { read: readPlaced, stream: streamPlaced }), otherValues };
  });
}

async function refuseLegacyFormat(file: FileHandle, path: string, fileBytes: number): Promise<void> {
  const [first] = await readFrom(file, path, 0, Math.min(1, fileBytes));
  // A bare pickle starts with the PROTO opcode; files of PyTorch before 1.6 are a row of bare pickles.
  if (first !== 0x80) return;
  const fix = 'load it in a current PyTorch and torch.save it again';
  throw new ChatRexError('unsupported', `${path} is in the format of PyTorch before 1.6 (or a bare pickle): ${fix}`);
}

function findPickle(path: string, entries: ReadonlyMap<string, ZipEntry>): string {
  for (const name of entries.keys()) if (/^[^/]+\/data\.pkl$/.test(name)) return name;
  const message = `${path} is a zip archive but no PyTorch checkpoint: it has no data.pkl; give a file made by torch.save`;
  throw new ChatRexError('invalid-file', message);
}

async function refuseOtherArchives(
  file: FileHandle,
  path: string,
  entries: ReadonlyMap<string, ZipEntry>,
  folder: string,
): Promise<void> {
  if (entries.has(`${folder}constants.pkl`)) {
    const message = `${path} is a TorchScript program, not a checkpoint: save its state dict with torch.save`;
    throw new ChatRexError('unsupported', message);
  }
  const byteOrder = entries.get(`${folder}byteorder`);
  if (byteOrder === undefined) return;
  const text = new TextDecoder().decode(
    await readFrom(file, path, byteOrder.byteOffset, Math.min(16, byteOrder.byteLength)),
  );
  if (text === 'little') return;
  throw new ChatRexError(
    'unsupported',
    `${path} was saved on a big-endian machine: save it again on a little-endian one`,
  );
}

function place(path: string, name: string, tensor: TorchTensor, entry: ZipEntry | undefined): Placed {
  const { dtype, shape, storage, offset } = tensor;
  if (entry === undefined || entry.byteLength !== storage.byteLength) {
    const came = entry === undefined ? 'the archive has none' : `the archive has ${entry.byteLength}`;
    const expected = `expected ${storage.byteLength} bytes of storage ${JSON.stringify(storage.key.slice(0, 100))}`;
    throw new ChatRexError('invalid-file', `${path}: tensor ${name}: ${expected}, ${came}; download or save it again`);
  }
  const info = { path, name, dtype, shape, tensor, storageOffset: entry.byteOffset };
  if (isContiguous(tensor)) {
    const byteOffset = entry.byteOffset + (tensorBytes(tensor) === 0 ? 0 : offset * itemSizeBytes(dtype));
    return { ...info, location: { path, byteOffset, byteLength: tensorBytes(tensor) } };
  }
  if (tensorBytes(tensor) <= maxStridedBytes) return { ...info, location: undefined };
  const message = `${path}: strided tensor ${name} would take ${tensorBytes(tensor)} bytes, at most ${maxStridedBytes} allowed`;
  throw new ChatRexError('limit-exceeded', `${message}: call .contiguous() before saving`);
}

/** Whether the elements lie in row-major order; the stride of an axis of size one says nothing. */
function isContiguous({ shape, strides }: TorchTensor): boolean {
  if (elementCount(shape) === 0) return true;
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
}

function readPlaced(entry: Placed): Promise<Uint8Array<ArrayBuffer>> {
  const { location } = entry;
  if (location === undefined) return gather(entry);
  return readRange(location.path, location.byteOffset, location.byteLength);
}

async function* streamPlaced(entry: Placed): AsyncGenerator<Uint8Array> {
  const { location } = entry;
  if (location === undefined) yield await gather(entry);
  else yield* streamRange(location.path, location.byteOffset, location.byteLength);
}

/** Reads the span of a strided view and lays it out. */
async function gather({ path, tensor, storageOffset }: Placed): Promise<Uint8Array<ArrayBuffer>> {
  const itemBytes = itemSizeBytes(tensor.dtype);
  const begin = storageOffset + tensor.offset * itemBytes;
  return gatherStrided(await readRange(path, begin, spanElements(tensor) * itemBytes), tensor);
}
