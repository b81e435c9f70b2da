/**
 * Which linear layers of a UPN are stored in int8. A file says it by the names of its tensors, layer by layer:
 * `X.weight_q8` and `X.weight_scales` instead of `X.weight` (see `nn/quantized-linear.ts`).
 */

import { createScope, type Scope } from '../nn/scope.ts';

/** Names of layers, as `transformer.encoder.layers.0.linear1`. */
export type Int8Layers = ReadonlySet<string>;

const quantizedWeight = '.weight_q8';

/** The layers that a file with these tensors, or a network with these parameters, has in int8. */
export function int8LayersOf(tensorNames: Iterable<string>): Int8Layers {
  const layers = new Set<string>();
  for (const name of tensorNames) {
    if (name.endsWith(quantizedWeight)) layers.add(name.slice(0, -quantizedWeight.length));
  }
  return layers;
}

/** A tree of parameters for a UPN with these layers in int8. */
export const upnScope = (int8Layers: Int8Layers = new Set()): Scope =>
  createScope(undefined, (layer) => (int8Layers.has(layer) ? 'int8' : undefined));
