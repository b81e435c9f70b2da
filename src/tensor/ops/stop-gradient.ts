/** The same value, through which no gradient flows. */

import type { NonDifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';

/** PyTorch's `detach`: the loss is treated as if this value were given. */
export const stopGradient = (x: Tensor): Tensor => apply(stopGradientOp, [x], null);

export const stopGradientOp: NonDifferentiableOp<null> = {
  name: 'StopGradient',
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  emit: ({ onnx, inputs, outputs }) => onnx.alias(outputs[0], inputs[0]),
  gradient: { whyNot: 'that is its purpose' },
  reference: ([x]) => [x],
};
