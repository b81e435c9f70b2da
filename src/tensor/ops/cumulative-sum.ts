/** Running sums along an axis. */

import { generate, stridesOf } from '../nd-array.ts';
import { normalizeAxis, requireDType } from '../shape.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';

export interface CumulativeSumAttributes {
  readonly axis: number;
  readonly isExclusive: boolean;
  readonly isReverse: boolean;
}

/** Element i is the sum of elements up to i; `isExclusive` leaves i itself out, `isReverse` sums from i to the end. */
export const cumulativeSum = (
  x: Tensor,
  { axis, isExclusive = false, isReverse = false }: { axis: number; isExclusive?: boolean; isReverse?: boolean },
): Tensor => apply(cumulativeSumOp, [x], () => ({ axis: normalizeAxis(axis, x.shape.length), isExclusive, isReverse }));

export const cumulativeSumOp: DifferentiableOp<CumulativeSumAttributes> = {
  name: 'CumSum',
  infer: ([x]) => {
    requireDType(x, ['float32', 'int32', 'int64']);
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  emit: ({ onnx, inputs, outputs, attributes: { axis, isExclusive, isReverse } }) =>
    onnx.node('CumSum', [inputs[0], onnx.scalar('int64', axis)], outputs, {
      attributes: { exclusive: Number(isExclusive), reverse: Number(isReverse) },
    }),
  gradient: ({ attributes, outputGradients: [dy] }) => [
    cumulativeSum(dy as Tensor, { ...attributes, isReverse: !attributes.isReverse }),
  ],
  reference: ([x], { axis, isExclusive, isReverse }) => {
    const stride = stridesOf(x.shape)[axis];
    return [
      generate(x.shape, (index, flat) => {
        const own = index[axis];
        let sum = 0;
        for (let i = 0; i < x.shape[axis]; i++) {
          const isCounted = i === own ? !isExclusive : i < own !== isReverse;
          if (isCounted) sum += x.data[flat + (i - own) * stride];
        }
        return sum;
      }),
    ];
  },
};
