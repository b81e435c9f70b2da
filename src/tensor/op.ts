/**
 * What an op is: four things, kept in one file per op under ops/. Leaving one out does not compile.
 */

import type { Dim } from './dimension.ts';
import type { NdArray } from './nd-array.ts';
import type { OnnxWriter } from './onnx-writer.ts';
import type { Tensor, TensorType } from './tensor.ts';

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
