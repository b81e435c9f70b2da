/** Matrix product of the last two axes, with optional transposes, so that weights and gradients need no copies. */

import { type Dim, isStatic, sizeOf } from '../dimension.ts';
import { at, broadcastNdShapes, generate, mapNd, type NdArray } from '../nd-array.ts';
import { broadcastShapes, requireDType, requireSameDType } from '../shape.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { apply, misfit, type Tensor } from '../tensor.ts';
import { anyFloat } from './elementwise.ts';
import { multiply } from './multiply.ts';
import { reshape } from './reshape.ts';
import { transpose } from './transpose.ts';

export interface MatmulAttributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** A factor of the product; multiplying by it takes no extra pass over the result. */
  readonly scale: number;
}

/**
 * [..., M, K] x [..., K, N] -> [..., M, N]; leading axes broadcast.
 * `transposeA` reads a as [..., K, M], `transposeB` reads b as [..., N, K] (the layout of linear weights in
 * checkpoints).
 */
export function matmul(a: Tensor, b: Tensor, options: Partial<MatmulAttributes> = {}): Tensor {
  const { transposeA = false, transposeB = false, scale = 1 } = options;
  return apply(matmulOp, [a, b], { transposeA, transposeB, scale });
}

const lastTwo = ({ shape }: Tensor, transposed: boolean): [Dim, Dim] => {
  const [rows, columns] = shape.slice(-2);
  return transposed ? [columns, rows] : [rows, columns];
};

export const matmulOp: DifferentiableOp<MatmulAttributes> = {
  name: 'MatMul',
  infer: ([a, b], { transposeA, transposeB }) => {
    if (a.shape.length < 2 || b.shape.length < 2) throw misfit('both operands need at least two axes');
    requireDType(a, anyFloat);
    const dtype = requireSameDType(a, b);
    const [rows, inner] = lastTwo(a, transposeA);
    const [innerB, columns] = lastTwo(b, transposeB);
    if (inner !== innerB) throw misfit(`inner sizes ${inner} and ${innerB} differ`);
    return [{ dtype, shape: [...broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2)), rows, columns] }];
  },
  emit: ({ onnx, inputs, outputs, attributes: { transposeA, transposeB, scale } }) => {
    if (!transposeA && !transposeB && scale === 1) return onnx.node('MatMul', inputs, outputs);
    onnx.node('FusedMatMul', inputs, outputs, {
      domain: 'com.microsoft',
      attributes: { transA: Number(transposeA), transB: Number(transposeB), alpha: { float: scale } },
    });
  },
  gradient: ({ inputs: [a, b], attributes: { transposeA, transposeB, scale }, outputGradients }) => {
    const dProduct = outputGradients[0] as Tensor;
    const dy = scale === 1 ? dProduct : multiply(dProduct, scale);
    const da = transposeA
      ? matmul(b, dy, { transposeA: transposeB, transposeB: true })
      : matmul(dy, b, { transposeB: !transposeB });
    // A matrix shared by all leading axes gets one product over all rows instead of a batch of products to sum.
    if (b.shape.length === 2 && !transposeA && a.shape.length > 2) {
      return [da, transposeB ? weightGradient(dy, a) : weightGradient(a, dy)];
    }
    const db = transposeB
      ? matmul(dy, a, { transposeA: true, transposeB: transposeA })
      : matmul(a, dy, { transposeA: !transposeA });
    return [da, db];
  },
  reference: ([a, b], { transposeA, transposeB, scale }) => [
    mapNd(productNd(a, b, transposeA, transposeB), (value) => scale * value),
  ],
};

/**
 * a^T b over all rows: [..., M] and [..., N] -> [M, N]. The longer side goes first, which runs a sixth faster in ONNX
 * Runtime than the other way round (4096 rows, 192 x 768), the transposition of so small a result included.
 */
export function weightGradient(a: Tensor, b: Tensor): Tensor {
  const [m, n] = [a, b].map(({ shape }) => shape[shape.length - 1]);
  const [rowsOfA, rowsOfB] = [flattenRows(a), flattenRows(b)];
  if (isStatic(m) && isStatic(n) && m < n) {
    return transpose(matmul(rowsOfB, rowsOfA, { transposeA: true }), [1, 0]);
  }
  return matmul(rowsOfA, rowsOfB, { transposeA: true });
}

/** [..., M, N] -> [prod(...) * M, N] */
function flattenRows(x: Tensor): Tensor {
  const width = x.shape[x.shape.length - 1];
  return reshape(x, [sizeOf(x.shape.slice(0, -1)), width]);
}

export function productNd(a: NdArray, b: NdArray, transposeA: boolean, transposeB: boolean): NdArray {
  const [rows, inner] = transposeA ? a.shape.slice(-2).reverse() : a.shape.slice(-2);
  const columns = b.shape[b.shape.length - (transposeB ? 2 : 1)];
  const batch = broadcastNdShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  return generate([...batch, rows, columns], (index) => {
    const lead = index.slice(0, -2);
    const [i, j] = index.slice(-2);
    let sum = 0;
    for (let k = 0; k < inner; k++) {
      sum += at(a, [...lead, ...(transposeA ? [k, i] : [i, k])]) * at(b, [...lead, ...(transposeB ? [j, k] : [k, j])]);
    }
    return sum;
  });
}
