/** Which tensors of a checkpoint are a UPN's parameters, and which repeat or merely accompany them. */

import { ChatRexError } from '../errors.ts';
import type { Scope } from '../nn/scope.ts';
import type { StoredWeight } from '../onnx/emit.ts';
import { graphOf } from '../tensor/graph.ts';
import { input } from '../tensor/ops/input.ts';
import type { ParameterAttributes } from '../tensor/ops/parameter.ts';
import { type PlacedTensor, storedWeights } from '../weights/storage.ts';
import type { WeightFile } from '../weights/weight-file.ts';
import type { UpnConfig } from './config.ts';
import { int8LayersOf, upnScope } from './int8-layers.ts';
import { proposeFor, upnNetwork } from './network.ts';

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
 * All parameters of a network; they do not depend on the size of images.
 * @param scope says which layers are stored in int8; none by default
 */
export function upnParameters(config: UpnConfig, scope: Scope = upnScope()): ParameterAttributes[] {
  const side = 64;
  const network = upnNetwork(scope, config);
  const encoded = network.encode(input('images', 'float32', [1, 3, side, side]), null);
  const outputs = (['fine', 'coarse'] as const).map((granularity) => {
    const { selection, predictions } = proposeFor(network, encoded, granularity);
    return [...predictions.logits, ...predictions.boxesCxcywhNormalized, selection.logits];
  });
  const named = Object.fromEntries(outputs.flat().map((tensor, i) => [`output${i}`, tensor]));
  return [...graphOf(named).parameters.values()];
}

/**
 * The stored weights of a network by parameter name. Layers that the file has in int8 are taken so.
 * @param prefix of every name in the file
 * @throws ChatRexError 'weights-mismatch' when a tensor is missing, unexpected or mis-shaped, or when copies of the
 *   shared box head differ
 */
export async function upnWeights(
  file: WeightFile<PlacedTensor>,
  config: UpnConfig,
  prefix = '',
): Promise<Map<string, StoredWeight>> {
  const found = new Map<string, PlacedTensor>();
  for (const [name, tensor] of file.tensors) if (name.startsWith(prefix)) found.set(name.slice(prefix.length), tensor);
  await requireSharedHead(file, found);
  const scope = upnScope(int8LayersOf(found.keys()));
  return storedWeights(upnParameters(config, scope), found, { ignore: [...notParameters, sharedHead] });
}

/** Layers with heads of their own would otherwise load without a word and give other boxes. */
async function requireSharedHead(
  file: WeightFile<PlacedTensor>,
  found: ReadonlyMap<string, PlacedTensor>,
): Promise<void> {
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
