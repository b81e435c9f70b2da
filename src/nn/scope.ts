/**
 * Where parameters come from: a scope mirrors the keys of a checkpoint, `scope.at('layers.0').parameter('weight',
 * ...)`.
 */

import { ChatRexError } from '../errors.ts';
import type { DType } from '../tensor/dtype.ts';
import { type Initializer, parameter } from '../tensor/ops/parameter.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** How the weights of linear layers are stored: see `quantized-linear.ts`. */
export type LinearFormat = 'float' | 'int8' | 'int4';

/** Size and strength of an low-rank adapter; see `low-rank.ts`. */
export interface Adapter {
  readonly rank: number;
  /** What B A is multiplied by, times the rank. */
  readonly alpha: number;
  /** Tokens at the end of a vocabulary that learn their embeddings; see `new-tokens.ts`. None by default. */
  readonly newTokens?: number;
}

export interface Scope {
  /** How linear layers below this scope store their weights. */
  readonly linearFormat: LinearFormat;
  /** The low-rank adapter that a linear layer in this scope learns beside its weight. */
  readonly adapter: Adapter | undefined;
  /** This scope, with linear layers stored otherwise. */
  withLinearFormat(format: LinearFormat): Scope;
  /** The scope below; names are joined by dots, and an empty name is this scope. */
  at(name: string | number): Scope;
  /**
   * The parameter `name` of this scope. Asking again gives the same tensor, so tied weights are tied.
   * @throws ChatRexError when it was asked for with another shape before.
   */
  parameter(name: string, shape: readonly number[], initializer?: Initializer, dtype?: DType): Tensor;
}

/**
 * A new tree of parameters. One graph takes all its parameters from one tree.
 * @param adapterOf the adapter of a layer by its name, as `model.layers.0.self_attn.q_proj`; none by default
 * @param linearFormatOf how single layers store their weights, by the same names; undefined for those that
 *   `linearFormat` decides
 * @example const weight = createScope().at('head').parameter('weight', [10, 64]); // head.weight
 */
export function createScope(
  adapterOf: (layer: string) => Adapter | undefined = () => undefined,
  linearFormatOf: (layer: string) => LinearFormat | undefined = () => undefined,
): Scope {
  const known = new Map<string, Tensor>();
  const scopeAt = (prefix: string, linearFormat: LinearFormat): Scope => ({
    linearFormat: linearFormatOf(prefix.slice(0, -1)) ?? linearFormat,
    adapter: adapterOf(prefix.slice(0, -1)),
    withLinearFormat: (format) => scopeAt(prefix, format),
    at: (name) => scopeAt(name === '' ? prefix : `${prefix}${name}.`, linearFormat),
    parameter: (name, shape, initializer = { kind: 'zeros' }, dtype = 'float32') => {
      const key = prefix + name;
      const earlier = known.get(key);
      if (!earlier) {
        const created = parameter({ name: key, dtype, shape, initializer });
        known.set(key, created);
        return created;
      }
      if (earlier.dtype !== dtype || String(earlier.shape) !== String(shape)) {
        throw new ChatRexError('invalid-shape', `parameter ${key} is [${earlier.shape}] here and [${shape}] there`);
      }
      return earlier;
    },
  });
  return scopeAt('', 'float');
}
