/**
 * Writes safetensors files, one tensor at a time, so that a model larger than the memory can be written.
 * Like the reference implementation it orders tensors by falling element size (so that each is aligned) and pads the
 * header to eight bytes. A file appears under its name only once it is complete.
 */

import type { FileHandle } from 'node:fs/promises';
import { ChatRexError } from '../errors.ts';
import { writeAll, writeBeside } from '../files.ts';
import { describeTensor, itemSizeBytes, tensorBytes, viewBytes } from './dtype.ts';
import { formatNameByDtype, lengthPrefixBytes, maxHeaderBytes, metadataKey } from './safetensors-header.ts';
import type { TensorInfo } from './weight-file.ts';

/** Values at hand, or a function called when the tensor's turn comes: it gives all of them or a stream of chunks. */
export type TensorSource =
  | ArrayBufferView
  | (() => ArrayBufferView | Promise<ArrayBufferView> | AsyncIterable<ArrayBufferView>);

/** A tensor to write: row-major values, float16 and bfloat16 as their bits. */
export interface TensorToWrite extends TensorInfo {
  readonly data: TensorSource;
}

/**
 * Writes one safetensors file beside `path` and renames it once complete; on failure nothing is left behind.
 *
 * @param entries in any order; producers are called one after the other, each once the one before is written
 * @param metadata free text stored in the header
 * @throws ChatRexError 'invalid-argument' for two tensors of one name or data that does not fill its shape,
 *   'limit-exceeded' for a header past 100 MB, 'not-found' when the folder does not exist
 * @example
 * await writeSafetensors('w.safetensors', [{ name: 'bias', dtype: 'float32', shape: [2], data: new Float32Array(2) }]);
 */
export async function writeSafetensors(
  path: string,
  entries: Iterable<TensorToWrite>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const ordered = [...entries].sort((a, b) => itemSizeBytes(b.dtype) - itemSizeBytes(a.dtype));
  const header = encodeHeader(path, ordered, metadata);
  await writeBeside(path, async (file) => {
    await writeAll(file, header);
    for (const entry of ordered) await writeTensor(file, path, entry);
  });
}

function encodeHeader(path: string, entries: readonly TensorToWrite[], metadata: Readonly<Record<string, string>>) {
  const fields: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) fields.push([metadataKey, metadata]);
  const names = new Set<string>([metadataKey]);
  let offset = 0;
  for (const entry of entries) {
    if (names.has(entry.name)) {
      const message = `${path}: two tensors would be called ${JSON.stringify(entry.name)}; give each its own name`;
      throw new ChatRexError('invalid-argument', message);
    }
    names.add(entry.name);
    const end = offset + checkedBytes(path, entry);
    fields.push([
      entry.name,
      { dtype: formatNameByDtype.get(entry.dtype), shape: entry.shape, data_offsets: [offset, end] },
    ]);
    offset = end;
  }
  // Object.fromEntries defines own properties, so that a tensor called __proto__ is a tensor like any other.
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(fields)));
  const paddedBytes = Math.ceil(json.byteLength / 8) * 8;
  if (paddedBytes > maxHeaderBytes) {
    const message = `${path}: header of ${paddedBytes} bytes, at most ${maxHeaderBytes} allowed; write several files`;
    throw new ChatRexError('limit-exceeded', message);
  }
  const header = new Uint8Array(lengthPrefixBytes + paddedBytes).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(paddedBytes), true);
  header.set(json, lengthPrefixBytes);
  return header;
}

function checkedBytes(path: string, entry: TensorToWrite): number {
  const bytes = tensorBytes(entry);
  if (entry.shape.every((size) => Number.isSafeInteger(size) && size >= 0) && Number.isSafeInteger(bytes)) return bytes;
  throw new ChatRexError('invalid-argument', `${path}: ${entry.name} cannot have the shape ${describeTensor(entry)}`);
}

async function writeTensor(file: FileHandle, path: string, entry: TensorToWrite): Promise<void> {
  const data = typeof entry.data === 'function' ? await entry.data() : entry.data;
  const expected = tensorBytes(entry);
  let written = 0;
  for await (const chunk of ArrayBuffer.isView(data) ? [data] : data) {
    written += chunk.byteLength;
    if (written > expected) break;
    await writeAll(file, viewBytes(chunk));
  }
  if (written === expected) return;
  const came = written > expected ? 'more came' : `${written} came`;
  const message = `${path}: ${entry.name} is ${describeTensor(entry)} and needs ${expected} bytes, ${came}`;
  throw new ChatRexError('invalid-argument', message);
}
