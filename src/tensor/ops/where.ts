/** Elements of `a` where `condition` holds, of `b` elsewhere. */

import { at, broadcastNdShapes, generate } from '../nd-array.ts';
import { broadcastShapes, requireDType, requireSameDType } from '../shape.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { constantLike } from './constant.ts';
import { type Operand, operands } from './elementwise.ts';

/** @param condition bool; all three broadcast. */
export const where = (condition: Tensor, a: Operand, b: Operand): Tensor =>
  apply(whereOp, [condition, ...operands(a, b)], null);

export const whereOp: DifferentiableOp<null> = {
  name: 'Where',
  infer: ([condition, a, b]) => {
    requireDType(condition, ['bool'], 'condition');
    return [{ dtype: requireSameDType(a, b), shape: broadcastShapes(condition.shape, a.shape, b.shape) }];
  },
  emit: ({ onnx, inputs, outputs }) => onnx.node('Where', inputs, outputs),
  gradient: ({ inputs: [condition], outputGradients: [dy] }) => {
    const zero = constantLike(0, dy as Tensor);
    return [null, where(condition, dy as Tensor, zero), where(condition, zero, dy as Tensor)];
  },
  reference: ([condition, a, b]) => {
    const shape = broadcastNdShapes(condition.shape, a.shape, b.shape);
    return [generate(shape, (index) => (at(condition, index) !== 0 ? at(a, index) : at(b, index)))];
  },
};
