/** A value fed at every run, by name. */

import type { Shape } from '../dimension.ts';
import type { DType } from '../dtype.ts';
import type { NonDifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';

export interface InputAttributes {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

/** @param shape symbols in it (such as 'batch') take their value from what is fed. */
export const input = (name: string, dtype: DType, shape: Shape): Tensor => apply(inputOp, [], { name, dtype, shape });

export const inputOp: NonDifferentiableOp<InputAttributes> = {
  name: 'Input',
  infer: (_, { dtype, shape }) => [{ dtype, shape }],
  emit: ({ onnx, outputs, attributes: { name, dtype, shape } }) =>
    onnx.alias(outputs[0], onnx.input(name, dtype, shape)),
  gradient: { whyNot: 'an input is a leaf' },
  reference: (_, { name }) => {
    throw new Error(`input ${name} has to be fed`);
  },
};
