/** Reads GGUF files, in which llama.cpp keeps models: metadata, and tensors as floats however they are quantised. */

import { ChatRexError } from '../errors.ts';
import { readFrom, readRange, withFile } from '../file-range.ts';
import { dequantize } from './gguf-blocks.ts';
import { type GgufHeader, type GgufTensor, type GgufValue, HeaderIsLonger, parseGgufHeader } from './gguf-header.ts';

export type { GgufTensor, GgufValue } from './gguf-header.ts';

/** What is read at first; a vocabulary of 50,000 pieces with its merges takes about 2 MB. */
const firstBytes = 4 * 2 ** 20;
/** The largest vocabularies take a tenth of it; it keeps a file that is not what it says from filling the memory. */
const maxHeaderBytes = 128 * 2 ** 20;

export interface GgufFile {
  readonly path: string;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** In the order of the file. */
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  /** Values of one tensor, row-major; only its own bytes are read. @throws ChatRexError 'not-found' */
  readFloat32(name: string): Promise<Float32Array>;
}

/**
 * Opens a GGUF file, version 2 or 3, with tensors of F32, F16, Q4_0, Q4_1 and Q8_0.
 * @throws ChatRexError 'not-found', 'invalid-file' for anything malformed or truncated, 'unsupported' for other
 *   versions and element types, 'limit-exceeded'
 * @example
 * const file = await openGguf('SmolLM2-135M-Instruct.Q4_1.gguf');
 * const table = await file.readFloat32('token_embd.weight');
 */
export async function openGguf(path: string): Promise<GgufFile> {
  const { metadata, tensors } = await withFile(path, async (file, fileBytes) => {
    for (let length = Math.min(firstBytes, fileBytes); ; length = Math.min(2 * length, fileBytes)) {
      const header = tryToParse(await readFrom(file, path, 0, length), { path, fileBytes });
      if (header) return header;
      if (length < maxHeaderBytes) continue;
      throw new ChatRexError('limit-exceeded', `${path}: a header of more than ${maxHeaderBytes} bytes is not read`);
    }
  });
  return {
    path,
    metadata,
    tensors,
    readFloat32: async (name) => {
      const tensor = tensors.get(name);
      if (!tensor) {
        const message = `${path} has no tensor ${JSON.stringify(name)} among its ${tensors.size}`;
        throw new ChatRexError('not-found', message);
      }
      return dequantize(tensor.type, await readRange(path, tensor.byteOffset, tensor.byteLength));
    },
  };
}

/** Undefined where more of the file is needed. */
function tryToParse(bytes: Uint8Array, source: { path: string; fileBytes: number }): GgufHeader | undefined {
  try {
    return parseGgufHeader(bytes, source);
  } catch (error) {
    if (error instanceof HeaderIsLonger) return undefined;
    throw error;
  }
}
