/**
 * From an opened weight file to what a session loads: every parameter of a graph points at its bytes, which stay in the
 * file.
 */

import { resolve } from 'node:path';
import { ChatRexError } from '../errors.ts';
import type { StoredDType, StoredWeight } from '../onnx/emit.ts';
import type { WeightDtype } from './dtype.ts';
import { matchParameters } from './match.ts';
import type { TorchTensorInfo } from './torch-checkpoint.ts';
import type { StoredTensor } from './weight-file.ts';

/** A tensor of a safetensors file, or of a PyTorch checkpoint, where it may be a view without a place of its own. */
export type PlacedTensor = StoredTensor | TorchTensorInfo;

/** Types that ONNX Runtime converts to a parameter's own when it loads. */
const loadable: Partial<Record<WeightDtype, StoredDType>> = {
  float32: 'float32',
  float16: 'float16',
  bfloat16: 'bfloat16',
  float64: 'float64',
  int8: 'int8',
  uint8: 'uint8',
  int32: 'int32',
  int64: 'int64',
  bool: 'bool',
};

/**
 * The stored weight of every declared parameter, by name; the file must hold exactly those.
 *
 * @param declared the parameters of a graph, as in `graphOf(outputs).parameters.values()`
 * @param found a file's tensors by parameter name
 * @param options.ignore as for `matchParameters`
 * @throws ChatRexError 'weights-mismatch' when a tensor is missing, unexpected or mis-shaped; 'unsupported' for an
 *   element type that no parameter can have and for a strided view
 * @example
 * const { tensors } = await openCheckpoint('model.safetensors');
 * const session = await Session.create(outputs, storedWeights(graphOf(outputs).parameters.values(), tensors));
 */
export function storedWeights(
  declared: Iterable<{ readonly name: string; readonly shape: readonly number[] }>,
  found: ReadonlyMap<string, PlacedTensor>,
  options: { readonly ignore?: readonly RegExp[] } = {},
): Map<string, StoredWeight> {
  const parameters = [...declared];
  matchParameters(parameters, found, options);
  return new Map(parameters.map(({ name }) => [name, storedWeight(found.get(name) as PlacedTensor)]));
}

function storedWeight(tensor: PlacedTensor): StoredWeight {
  const location = 'location' in tensor ? tensor.location : tensor;
  if (!location) {
    const fix = 'convert the checkpoint to safetensors first (chatrex convert)';
    throw new ChatRexError('unsupported', `${tensor.name} is a strided view and cannot be used in place; ${fix}`);
  }
  const dtype = loadable[tensor.dtype];
  if (!dtype) throw new ChatRexError('unsupported', `${tensor.name} is ${tensor.dtype}, which no parameter can be`);
  const { path, byteOffset, byteLength } = location;
  return { dtype, path: resolve(path), byteOffset, byteLength };
}
