/**
 * Weights of linear layers as integers with scales, in the layouts that `nn/quantized-linear.ts` documents, and a plan
 * for writing a model's weights so: tensor by tensor, whatever the model's size.
 */

import { ChatRexError } from '../errors.ts';
import type { TensorValues, WeightDtype } from './dtype.ts';
import type { TensorToWrite } from './safetensors-writer.ts';
import { type TensorInfo, toFloat32, type WeightFile } from './weight-file.ts';

/** Inputs that share a scale in int4: what the kernel was built with. */
const blockSize = 32;

/** A [outputs, inputs] weight, one row at a time, so that 16-bit weights are widened one row at a time too. */
export interface WeightRows {
  readonly outputs: number;
  readonly inputs: number;
  /** Valid until the next is asked for. */
  row(output: number): Float32Array;
}

export interface QuantizedWeight {
  /** Int8: int8 [inputs, outputs]. Int4: uint8 [outputs, inputs / 32, 16]. */
  readonly values: Int8Array | Uint8Array;
  readonly scales: Float32Array;
}

/** Rounds to -127..127 with one scale per output, the largest weight of the output being 127 steps. */
export function quantizeInt8({ outputs, inputs, row }: WeightRows): QuantizedWeight {
  const values = new Int8Array(inputs * outputs);
  const scales = new Float32Array(outputs);
  for (let output = 0; output < outputs; output++) {
    const weights = row(output);
    let largest = 0;
    for (let i = 0; i < inputs; i++) largest = Math.max(largest, Math.abs(weights[i]));
    scales[output] = largest / 127;
    const perStep = largest === 0 ? 0 : 127 / largest;
    for (let i = 0; i < inputs; i++) values[i * outputs + output] = Math.round(weights[i] * perStep);
  }
  return { values, scales };
}

/**
 * Rounds to -8..7 with one scale per 32 inputs. The weight of largest magnitude becomes -8, whatever its sign (the
 * scale then has the other), so that all sixteen values are used; then the scale is fitted to the rounded values by
 * least squares.
 *
 * @throws ChatRexError 'invalid-shape' when the inputs are no multiple of 32.
 */
export function quantizeInt4({ outputs, inputs, row }: WeightRows): QuantizedWeight {
  if (inputs % blockSize !== 0) {
    throw new ChatRexError('invalid-shape', `int4 needs a multiple of ${blockSize} inputs, not ${inputs}; take int8`);
  }
  const blocks = inputs / blockSize;
  const values = new Uint8Array((outputs * inputs) / 2);
  const scales = new Float32Array(outputs * blocks);
  for (let output = 0; output < outputs; output++) {
    const weights = row(output);
    for (let block = 0; block < blocks; block++) {
      const at = output * blocks + block;
      scales[at] = roundBlock(weights, block * blockSize, values, (at * blockSize) / 2);
    }
  }
  return { values, scales };
}

/** Writes a block's nibbles, returns its scale. */
function roundBlock(weights: Float32Array, start: number, bytes: Uint8Array, target: number): number {
  let extreme = 0;
  for (let i = start; i < start + blockSize; i++) if (Math.abs(weights[i]) > Math.abs(extreme)) extreme = weights[i];
  const perStep = extreme === 0 ? 0 : -8 / extreme;
  let [weighed, squared] = [0, 0];
  for (let i = 0; i < blockSize; i++) {
    const weight = weights[start + i];
    const step = Math.min(7, Math.round(weight * perStep));
    weighed += weight * step;
    squared += step * step;
    bytes[target + (i >> 1)] |= (step + 8) << (i % 2 === 0 ? 0 : 4);
  }
  return squared === 0 ? 0 : weighed / squared;
}

/** Rows of a stored float matrix. @throws ChatRexError 'unsupported' where it holds no floats */
export function weightRows(values: TensorValues, dtype: WeightDtype, shape: readonly number[]): WeightRows {
  const [outputs, inputs] = shape;
  const row = (output: number) =>
    toFloat32(values.subarray(output * inputs, (output + 1) * inputs) as TensorValues, dtype);
  return { outputs, inputs, row };
}

/** The name of a quantised weight's part: the weight's own name, and which part it is. */
export const quantizedName = /^(.*weight)_(q8|q4|q8_scales|scales)$/;

/** A tensor that the written model shall have. */
interface Wanted {
  readonly name: string;
  readonly shape: readonly number[];
}

/**
 * What to write so that a file holds the `wanted` tensors: `X.weight_q8`, `X.weight_q4`, `X.weight_scales` and, beside
 * int4, `X.weight_q8_scales` come from the source's `X.weight`, all others are copied with the element type they have.
 *
 * Only one tensor is in memory at a time. Integers and scales of a weight are asked for separately, as the file's order
 * has it, so each weight is rounded twice: that is cheaper than to keep a model's worth of scales.
 *
 * @param sourceOf the name in the source of a weight to quantise, for those that go by another one there.
 * @throws ChatRexError 'weights-mismatch' when the source lacks a tensor or has it in another shape.
 */
export function quantizationPlan(
  source: WeightFile<TensorInfo>,
  wanted: readonly Wanted[],
  sourceOf: (name: string) => string = (name) => name,
): TensorToWrite[] {
  const isInt4 = new Set(wanted.flatMap(({ name }) => (name.endsWith('_q4') ? [name.slice(0, -'_q4'.length)] : [])));
  const stored = (name: string, shape: readonly number[]) => {
    const tensor = source.tensors.get(name);
    if (tensor && String(tensor.shape) === String(shape)) return tensor;
    const came = tensor ? `[${tensor.shape}]` : 'nothing';
    throw new ChatRexError('weights-mismatch', `${source.path}: ${name} must be [${shape}], it has ${came}`);
  };
  return wanted.map(({ name, shape }): TensorToWrite => {
    const quantized = quantizedName.exec(name);
    if (!quantized) return { name, shape, dtype: stored(name, shape).dtype, data: () => source.stream(name) };
    const [, weight, part] = quantized;
    const from = sourceOf(weight);
    const { dtype, shape: matrix } = source.tensors.get(from) ?? stored(from, shape);
    const [outputs, inputs] = matrix;
    const isInt4Part = part === 'q4' || (part === 'scales' && isInt4.has(weight));
    const expected: Record<string, readonly number[]> = isInt4Part
      ? { q4: [outputs, inputs / blockSize, blockSize / 2], scales: [outputs, inputs / blockSize] }
      : { q8: [inputs, outputs], scales: [outputs], q8_scales: [outputs] };
    if (String(shape) !== String(expected[part])) {
      throw new ChatRexError(
        'weights-mismatch',
        `${source.path}: ${from} [${matrix}] cannot become ${name} [${shape}]`,
      );
    }
    const compute = async () => {
      const rows = weightRows(await source.read(from), dtype, matrix);
      const result = isInt4Part ? quantizeInt4(rows) : quantizeInt8(rows);
      return part.endsWith('scales') ? result.scales : result.values;
    };
    const dtypeOfPart = part.endsWith('scales') ? 'float32' : part === 'q4' ? 'uint8' : 'int8';
    return { name, shape, dtype: dtypeOfPart, data: compute };
  });
}
