/** Which tensors of a checkpoint are a UPN's parameters, and which repeat or merely accompany them. */

import { resolve } from 'node:path';
import { ChatRexError } from '../errors.ts';
import type { StoredDType, StoredWeight } from '../onnx/emit.ts';
import type { ParameterAttributes } from '../tensor/ops/parameter.ts';
import { matchParameters } from '../weights/match.ts';
import type { StoredTensor, WeightFile } from '../weights/weight-file.ts';

/** Tensors of official checkpoints that are no parameters of the network. */
const notParameters = [
  // a table that follows from the window size
  /\.relative_position_index$/,
  // declared by the official decoder and multiplied by zero there
  /^transformer\.decoder\.ref_point_head_point\./,
];

/** The box head that all decoder layers share is stored once per layer, and once more under the decoder. */
const sharedHead = /^(?:transformer\.decoder\.)?bbox_embed\.\d+\./;
const headKept = 'bbox_embed.0.';

/**
 * The stored weights of a network by parameter name.
 * @param parameters all that the network declares
 * @param prefix of every name in the file
 * @throws ChatRexError 'weights-mismatch' when a tensor is missing, unexpected or mis-shaped, or when copies of the shared
 *   box head differ
 */
export async function upnWeights(
  file: WeightFile,
  parameters: Iterable<ParameterAttributes>,
  prefix = '',
): Promise<Map<string, StoredWeight>> {
  const found = new Map<string, StoredTensor>();
  for (const [name, tensor] of file.tensors) if (name.startsWith(prefix)) found.set(name.slice(prefix.length), tensor);
  await requireSharedHead(file, found);
  const declared = [...parameters];
  matchParameters(declared, found, { ignore: [...notParameters, sharedHead] });
  return new Map(declared.map(({ name }) => [name, storedWeight(found.get(name) as StoredTensor)]));
}

function storedWeight({ dtype, path, byteOffset, byteLength }: StoredTensor): StoredWeight {
  return { dtype: dtype as StoredDType, path: resolve(path), byteOffset, byteLength };
}

/** Layers with heads of their own would otherwise load without a word and give other boxes. */
async function requireSharedHead(file: WeightFile, found: ReadonlyMap<string, StoredTensor>): Promise<void> {
  for (const [name, tensor] of found) {
    const kept = headKept + name.replace(sharedHead, '');
    if (!sharedHead.test(name) || name === kept) continue;
    const original = found.get(kept);
    if (!original) continue;
    const [a, b] = await Promise.all([original, tensor].map(({ name: stored }) => file.read(stored)));
    if (Buffer.compare(bytesOf(a), bytesOf(b)) !== 0) {
      throw new ChatRexError(
        'weights-mismatch',
        `${name} differs from ${kept}; the decoder layers of a UPN share one box head, so this checkpoint is another model's`,
      );
    }
  }
}

const bytesOf = (values: ArrayBufferView): Buffer => Buffer.from(values.buffer, values.byteOffset, values.byteLength);
