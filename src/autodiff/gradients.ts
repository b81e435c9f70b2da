/**
 * Reverse mode over the graph: the gradient of a scalar is more graph.
 *
 * Every op brings its own rule (see tensor/ops/); here their results are summed where a tensor is used more than once,
 * and broadcasting is undone, once for all ops.
 */

import { ChatRexError } from '../errors.ts';
import { type Shape, sameShape } from '../tensor/dimension.ts';
import { isFloat } from '../tensor/dtype.ts';
import { topologicalOrder } from '../tensor/graph.ts';
import { add } from '../tensor/ops/add.ts';
import { constantLike, filled } from '../tensor/ops/constant.ts';
import { expand } from '../tensor/ops/expand.ts';
import { reduceSum } from '../tensor/ops/reduce-sum.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import {
  type DifferentiableOp,
  describe,
  isDifferentiable,
  type Node,
  type Op,
  type Tensor,
} from '../tensor/tensor.ts';

/**
 * dLoss/dTensor for each of `withRespectTo`, with their shapes and dtypes.
 * Tensors that the loss does not depend on differentiably get zeros.
 * @throws ChatRexError when the loss is not a scalar.
 * @example const [slope] = gradients(loss, [weight]);
 */
export function gradients(loss: Tensor, withRespectTo: readonly Tensor[]): Tensor[] {
  if (loss.shape.length !== 0) {
    throw new ChatRexError('invalid-shape', `a gradient needs a scalar loss, not ${describe(loss)}; reduce it first`);
  }
  const order = topologicalOrder([loss]);
  const targets = new Set(withRespectTo);
  const relevant = dependents(order, targets);
  const found = new Map<Tensor, Tensor>([[loss, filled(loss.dtype, [], 1)]]);
  for (const node of order.toReversed()) {
    if (!relevant.has(node) || !isDifferentiable(node.op as Op<unknown>)) continue;
    const outputGradients = node.outputs.map((output) => found.get(output) ?? null);
    if (outputGradients.every((gradient) => gradient === null)) continue;
    const rule = (node.op as DifferentiableOp<unknown>).gradient;
    rule({ ...node, inputs: node.inputs as readonly Tensor[], outputGradients }).forEach((gradient, i) => {
      const target = node.inputs[i];
      if (!gradient || !target || !isFloat(target.dtype) || !(relevant.has(target.node) || targets.has(target))) return;
      const fitted = sumTo(gradient, target.shape);
      const earlier = found.get(target);
      found.set(target, earlier ? add(earlier, fitted) : fitted);
    });
  }
  return withRespectTo.map((tensor) => found.get(tensor) ?? expand(constantLike(0, tensor), tensor.shape));
}

/** Nodes through which the loss depends on any of the targets. */
function dependents(order: readonly Node[], targets: ReadonlySet<Tensor>): Set<Node> {
  const relevant = new Set<Node>();
  for (const node of order) {
    const carries = node.inputs.some((input) => input && (targets.has(input) || relevant.has(input.node)));
    if (carries && isDifferentiable(node.op as Op<unknown>)) relevant.add(node);
  }
  return relevant;
}

/** Undoes broadcasting: sums a gradient over the axes along which its tensor was repeated. */
export function sumTo(gradient: Tensor, shape: Shape): Tensor {
  if (sameShape(gradient.shape, shape)) return gradient;
  const extra = Math.max(0, gradient.shape.length - shape.length);
  const axes = gradient.shape.flatMap((dim, axis) =>
    axis < extra || (shape[axis - extra] === 1 && dim !== 1) ? [axis] : [],
  );
  const summed = reduceSum(gradient, { axes, keepDims: true });
  return expand(reshape(summed, summed.shape.slice(extra)), shape);
}
