/** Opens a single safetensors file: the header is read and checked, the tensors stay on disk until asked for. */

import { ChatRexError } from '../errors.ts';
import { readFrom, withFile } from '../file-range.ts';
import { lengthPrefixBytes, parseHeader, parseHeaderLength } from './safetensors-header.ts';
import { createWeightFile, locatedBytes, type WeightFile } from './weight-file.ts';
import { refuseWrongHead } from './wrong-content.ts';

/**
 * Opens a safetensors file by its header alone.
 *
 * @throws ChatRexError 'not-found'; 'invalid-file' for a truncated, overlapping, gappy or otherwise lying file;
 *   'limit-exceeded' for a header past 100 MB; 'unsupported' for 8-bit float and complex tensors
 * @example
 * const file = await openSafetensors('model.safetensors');
 * const weight = await file.readFloat32('layers.0.weight');
 */
export async function openSafetensors(path: string): Promise<WeightFile> {
  const { metadata, tensors } = await withFile(path, async (file, fileBytes) => {
    await refuseWrongHead(file, path, fileBytes);
    if (fileBytes < lengthPrefixBytes) {
      throw new ChatRexError('invalid-file', `${path} is not a safetensors file: it has only ${fileBytes} bytes`);
    }
    const place = { path, fileBytes };
    const headerBytes = parseHeaderLength(await readFrom(file, path, 0, lengthPrefixBytes), place);
    return parseHeader(await readFrom(file, path, lengthPrefixBytes, headerBytes), place);
  });
  return createWeightFile(path, metadata, tensors, locatedBytes);
}
