/** What an op may write when it is emitted; onnx/ implements it. Names are the edges of the ONNX graph. */

import type { Dim } from './dimension.ts';
import type { DType, TensorData } from './dtype.ts';

export type OnnxAttribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly floats: readonly number[] };

export interface OnnxNodeOptions {
  /** Plain numbers are ONNX ints; floats are wrapped, since 1 and 1.0 look alike in JavaScript. */
  attributes?: Readonly<Record<string, OnnxAttribute | undefined>>;
  /** Operator domain; the standard one when left out. */
  domain?: 'com.microsoft' | 'com.microsoft.nchwc';
}

export interface OnnxWriter {
  /**
   * How many channels this processor's convolutions take at once, in the layout that the domain `com.microsoft.nchwc`
   * works on. Undefined where nobody may rely on it: in models that are written to files, and where weights are
   * constants.
   */
  readonly channelBlock?: number;
  node(opType: string, inputs: readonly string[], outputs: readonly string[], options?: OnnxNodeOptions): void;
  /** As `node` with one output under a fresh name, which is returned. */
  value(opType: string, inputs: readonly string[], options?: OnnxNodeOptions): string;
  /** A name that no other value has, for outputs given to `node`. */
  fresh(hint: string): string;
  constant(dtype: DType, shape: readonly number[], data: TensorData): string;
  /**
   * The name that `make` gave for this key before, in the same model; else makes it: for large tables that ops share.
   */
  once(key: string, make: () => string): string;
  /** A scalar constant. */
  scalar(dtype: DType, value: number): string;
  /** int64 vector of these sizes; symbolic ones are computed at run time. */
  sizes(dims: readonly Dim[]): string;
  /** int64 vector constant. */
  integers(values: readonly number[]): string;
  /** Declares an input of the graph; returns its name. */
  input(name: string, dtype: DType, shape: readonly Dim[]): string;
  /** Declares a weight; returns the name of its value in `dtype`, however it is stored. */
  parameter(name: string, dtype: DType, shape: readonly number[]): string;
  /** Lets `output` be another name for `existing`, without a node. */
  alias(output: string, existing: string): void;
}
