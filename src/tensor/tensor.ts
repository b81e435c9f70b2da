/**
 * The graph: tensors are outputs of nodes, nodes are ops applied to tensors. Nothing is computed here.
 *
 * A model is a function from tensors to tensors; calling it builds a graph of these values, which autodiff/ extends,
 * onnx/ serialises and runtime/ executes. Values are immutable, so graphs share what they have in common.
 */

import { ChatRexError } from '../errors.ts';
import { type Dim, formatShape, type Shape } from './dimension.ts';
import type { DType } from './dtype.ts';
import type { NdArray } from './nd-array.ts';
import type { OnnxWriter } from './onnx-writer.ts';

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

/* What an op is: four things, kept in one file per op under ops/. Leaving one out does not compile. */

/** Says, in an op's type and in its file, that no gradient flows through it. */
export interface NotDifferentiable {
  readonly whyNot: string;
}

export interface GradientContext<A> {
  /** Inputs and outputs of the node, as tensors of the forward graph. */
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attributes: A;
  /** dLoss/dOutput per output; null for outputs that the loss does not depend on. */
  readonly outputGradients: readonly (Tensor | null)[];
}

/**
 * dLoss/dInput per input, null where none flows. A gradient may have the broadcast shape of the output:
 * autodiff/ sums it back to the input's shape, for every op, in one place.
 */
export type GradientRule<A> = (context: GradientContext<A>) => readonly (Tensor | null)[];

export interface EmitContext<A> {
  readonly onnx: OnnxWriter;
  /** Names of the inputs ('' for an absent optional one) and of the outputs that must be produced. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly inputTypes: readonly TensorType[];
  readonly outputTypes: readonly TensorType[];
  readonly attributes: A;
}

interface OpParts<A> {
  readonly name: string;
  /** Types of the outputs. @throws misfit(...) where the inputs do not fit. */
  infer(inputs: readonly Tensor[], attributes: A): readonly TensorType[];
  /** Writes ONNX nodes that produce the outputs. */
  emit(context: EmitContext<A>): void;
  /**
   * Plain float64 computation, the second opinion that tests hold the others against.
   * @param outputs types of the outputs with all sizes known; @param resolve gives the value of any other size
   */
  reference(
    inputs: readonly NdArray[],
    attributes: A,
    outputs: readonly TensorType[],
    resolve: (dim: Dim) => number,
  ): readonly NdArray[];
}

export interface DifferentiableOp<A> extends OpParts<A> {
  readonly gradient: GradientRule<A>;
}

export interface NonDifferentiableOp<A> extends OpParts<A> {
  readonly gradient: NotDifferentiable;
}

export type Op<A> = DifferentiableOp<A> | NonDifferentiableOp<A>;

export const isDifferentiable = <A>(op: Op<A>): op is DifferentiableOp<A> => typeof op.gradient === 'function';

/**
 * Applies an op and returns all its outputs.
 * @param attributes pass a function if computing them may throw: the error then names the op
 * @throws ChatRexError naming the op and the tensors when they do not fit.
 */
export function applyAll<A>(
  op: Op<A>,
  inputs: readonly (Tensor | null)[],
  attributes: A | (() => A),
): readonly Tensor[] {
  const [known, types] = withOpContext(op, inputs, () => {
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

/** Runs `work`; errors it throws are prefixed with the op's name and its input types. */
export function withOpContext<A, T>(op: Op<A>, inputs: readonly (Tensor | null)[], work: () => T): T {
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
