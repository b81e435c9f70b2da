/** The shared shape of elementwise ops, so that each file says only what is its own. */

import type { DType } from '../dtype.ts';
import { mapNd, zipNd } from '../nd-array.ts';
import { broadcastShapes, requireDType, requireSameDType } from '../shape.ts';
import type { DifferentiableOp, GradientRule, NotDifferentiable, Op, Tensor, TensorType } from '../tensor.ts';
import { constantLike } from './constant.ts';

export const anyFloat: readonly DType[] = ['float32', 'float16'];
export const anyNumber: readonly DType[] = ['float32', 'float16', 'int32', 'int64', 'int8', 'uint8'];

interface Unary {
  onnx: string;
  domain?: 'com.microsoft';
  f: (x: number) => number;
  dtypes?: readonly DType[];
}

/** An op that applies `f` to every element. */
export function unaryOp(
  parts: Unary & { gradient: (x: Tensor, y: Tensor, dy: Tensor) => Tensor },
): DifferentiableOp<null> {
  const gradient: GradientRule<null> = ({ inputs: [x], outputs: [y], outputGradients: [dy] }) => [
    parts.gradient(x, y, dy as Tensor),
  ];
  return { ...unaryParts(parts), gradient };
}

export function unaryParts({ onnx, domain, f, dtypes = anyFloat }: Unary) {
  return {
    name: onnx,
    infer: ([x]: readonly Tensor[]): TensorType[] => {
      requireDType(x, dtypes);
      return [{ dtype: x.dtype, shape: x.shape }];
    },
    emit: ({ onnx: writer, inputs, outputs }: Parameters<Op<null>['emit']>[0]) =>
      writer.node(onnx, inputs, outputs, { domain }),
    reference: ([x]: Parameters<Op<null>['reference']>[0]) => [mapNd(x, f)],
  };
}

interface Binary {
  onnx: string;
  f: (a: number, b: number) => number;
  dtypes?: readonly DType[];
  /** dtype of the result; that of the operands when left out. */
  result?: DType;
}

/** An op on two operands that broadcast against each other. */
export function binaryOp(
  parts: Binary & { gradient: (dy: Tensor, a: Tensor, b: Tensor, y: Tensor) => [Tensor | null, Tensor | null] },
): DifferentiableOp<null> {
  const gradient: GradientRule<null> = ({ inputs: [a, b], outputs: [y], outputGradients: [dy] }) =>
    parts.gradient(dy as Tensor, a, b, y);
  return { ...binaryParts(parts), gradient };
}

export function comparisonOp(parts: Binary & { gradient: NotDifferentiable }) {
  return { ...binaryParts(parts), gradient: parts.gradient };
}

function binaryParts({ onnx, f, dtypes = anyNumber, result }: Binary) {
  return {
    name: onnx,
    infer: ([a, b]: readonly Tensor[]): TensorType[] => {
      requireDType(a, dtypes);
      const dtype = requireSameDType(a, b);
      return [{ dtype: result ?? dtype, shape: broadcastShapes(a.shape, b.shape) }];
    },
    emit: ({ onnx: writer, inputs, outputs }: Parameters<Op<null>['emit']>[0]) => writer.node(onnx, inputs, outputs),
    reference: ([a, b]: Parameters<Op<null>['reference']>[0]) => [zipNd(a, b, f)],
  };
}

/** Plain numbers may stand wherever a tensor may; they take the dtype of the other operand. */
export type Operand = Tensor | number;

/** Both operands as tensors. */
export function operands(a: Operand, b: Operand): [Tensor, Tensor] {
  if (typeof a === 'number')
    return typeof b === 'number' ? [constantLike(a), constantLike(b)] : [constantLike(a, b), b];
  return [a, typeof b === 'number' ? constantLike(b, a) : b];
}
