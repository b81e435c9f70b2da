/**
 * The graph: tensors are outputs of nodes, nodes are ops applied to tensors. Nothing is computed here.
 *
 * A model is a function from tensors to tensors; calling it builds a graph of these values, which autodiff/ extends,
 * onnx/ serialises and runtime/ executes. Values are immutable, so graphs share what they have in common.
 */

import { ChatRexError } from '../errors.ts';
import { formatShape, type Shape } from './dimension.ts';
import type { DType } from './dtype.ts';
import type { Op } from './op.ts';

export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** One output of a node. */
export interface Tensor extends TensorType {
  readonly node: Node;
  /** Which of the node's outputs this is. */
  readonly index: number;
}

/** An op applied to inputs. An absent optional input is null. */
export interface Node {
  readonly op: Op<never>;
  readonly inputs: readonly (Tensor | null)[];
  readonly attributes: unknown;
  readonly outputs: readonly Tensor[];
}

/**
 * Applies an op and returns all its outputs.
 * @param attributes as a function where finding them can fail, so that the failure names the op and the tensors too.
 * @throws ChatRexError naming the op and the tensors when they do not fit.
 */
export function applyAll<A>(
  op: Op<A>,
  inputs: readonly (Tensor | null)[],
  attributes: A | (() => A),
): readonly Tensor[] {
  const [known, types] = inWordsOf(op, inputs, () => {
    const found = typeof attributes === 'function' ? (attributes as () => A)() : attributes;
    return [found, op.infer(inputs as readonly Tensor[], found)] as const;
  });
  const outputs: Tensor[] = [];
  const node: Node = { op: op as Op<never>, inputs, attributes: known, outputs };
  types.forEach(({ dtype, shape }, index) => {
    outputs.push({ node, index, dtype, shape });
  });
  return outputs;
}

/** Applies an op of one output. */
export function apply<A>(op: Op<A>, inputs: readonly (Tensor | null)[], attributes: A | (() => A)): Tensor {
  return applyAll(op, inputs, attributes)[0];
}

/** Runs `work`; what it complains about is preceded by the op and the tensors that the caller gave it. */
export function inWordsOf<A, T>(op: Op<A>, inputs: readonly (Tensor | null)[], work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ChatRexError)) throw error;
    const described = inputs.map((tensor) => (tensor === null ? 'none' : describe(tensor))).join(', ');
    throw new ChatRexError(error.code, `${op.name}(${described}): ${error.message}`);
  }
}

/** How a tensor is called in messages: its name if it has one, its dtype and its shape. */
export function describe(tensor: Tensor): string {
  const attributes = tensor.node.attributes as { name?: unknown } | null;
  const name = typeof attributes?.name === 'string' ? `${attributes.name}: ` : '';
  return `${name}${tensor.dtype}${formatShape(tensor.shape)}`;
}

/** A complaint about shapes or dtypes, raised inside `infer`; `applyAll` adds which op and which tensors. */
export const misfit = (message: string): ChatRexError => new ChatRexError('invalid-shape', message);
