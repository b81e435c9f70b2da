/** A weight: its name is the key of a checkpoint, letter for letter. */

import type { DType } from '../dtype.ts';
import type { NonDifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';

/** How a parameter starts when no checkpoint gives it. */
export type Initializer =
  | { readonly kind: 'zeros' }
  | { readonly kind: 'ones' }
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'normal'; readonly deviation: number }
  | { readonly kind: 'uniform'; readonly bound: number }
  /** Values given one by one, for structured starts such as the rings of sampling offsets. */
  | { readonly kind: 'values'; readonly values: () => Float32Array };

export interface ParameterAttributes {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly initializer: Initializer;
}

export const parameter = (attributes: ParameterAttributes): Tensor => apply(parameterOp, [], attributes);

export const parameterOp: NonDifferentiableOp<ParameterAttributes> = {
  name: 'Parameter',
  infer: (_, { dtype, shape }) => [{ dtype, shape }],
  emit: ({ onnx, outputs, attributes: { name, dtype, shape } }) =>
    onnx.alias(outputs[0], onnx.parameter(name, dtype, shape)),
  gradient: { whyNot: 'a parameter is a leaf' },
  reference: (_, { name }) => {
    throw new Error(`parameter ${name} has to be fed`);
  },
};
