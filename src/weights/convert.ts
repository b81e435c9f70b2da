/** Copies a PyTorch checkpoint into a safetensors file, so that it can be used in place. */

import { tensorBytes } from './dtype.ts';
import { type TensorToWrite, writeSafetensors } from './safetensors-writer.ts';
import { openTorchCheckpoint } from './torch-checkpoint.ts';

/** How far a conversion is. */
export interface ConversionProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** The tensor being copied. */
  readonly name: string;
}

/**
 * Converts a PyTorch checkpoint to safetensors with element types kept; values pass through in chunks, so memory stays
 * small whatever the size (a strided view is the exception: it is laid out as a whole). Tensors that share a storage
 * are written once per name, since safetensors cannot share.
 *
 * @param options.key as for `openTorchCheckpoint`; by default the weights of a training checkpoint are found, and its
 *   optimizer's moments are left out
 * @throws ChatRexError as `openTorchCheckpoint` and `writeSafetensors` do; then there is no target file
 */
export async function convertTorchCheckpoint(
  sourcePath: string,
  targetPath: string,
  options: { readonly key?: string; readonly onProgress?: (progress: ConversionProgress) => void } = {},
): Promise<void> {
  const checkpoint = await openTorchCheckpoint(sourcePath, { key: options.key, findsKey: true });
  const tensors = [...checkpoint.tensors.values()];
  const totalBytes = tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  let doneBytes = 0;
  const copy = async function* (name: string): AsyncGenerator<Uint8Array> {
    for await (const chunk of checkpoint.stream(name)) {
      yield chunk;
      doneBytes += chunk.byteLength;
      options.onProgress?.({ doneBytes, totalBytes, name });
    }
  };
  const entries = tensors.map(
    ({ name, dtype, shape }): TensorToWrite => ({ name, dtype, shape, data: () => copy(name) }),
  );
  await writeSafetensors(targetPath, entries, { format: 'pt' });
}
