/** Scaled dot-product attention (Vaswani et al., 2017), as one op so that its gradient can skip half of softmax's. */

import { formatShape, sameShape } from '../dimension.ts';
import { mapNd, zipNd } from '../nd-array.ts';
import { broadcastShapes, requireDType, requireSameDType, staticDim } from '../shape.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { applyAll, misfit, type Tensor } from '../tensor.ts';
import { anyFloat } from './elementwise.ts';
import { matmul, productNd } from './matmul.ts';
import { multiply } from './multiply.ts';
import { reduceSum } from './reduce-sum.ts';
import { softmaxNd } from './softmax.ts';
import { subtract } from './subtract.ts';
import { transpose } from './transpose.ts';

/**
 * softmax(q k^T / sqrt(D) + mask) v. q [..., Lq, D], k [..., Lk, D], v [..., Lk, Dv] -> [..., Lq, Dv]; leading axes
 * agree.
 * @param mask broadcasts to [..., Lq, Lk]: 0 where a query may look, very negative where not.
 */
export const attention = (q: Tensor, k: Tensor, v: Tensor, mask?: Tensor): Tensor =>
  applyAll(attentionOp, mask ? [q, k, v, mask] : [q, k, v], null)[0];

/** [..., M, N] -> [..., N, M] */
function turned(x: Tensor): Tensor {
  const [rows, columns] = [x.shape.length - 2, x.shape.length - 1];
  return transpose(x, [...x.shape.keys()].slice(0, -2).concat(columns, rows));
}

export const attentionOp: DifferentiableOp<null> = {
  name: 'Attention',
  infer: ([q, k, v, mask]) => {
    requireDType(q, anyFloat);
    const dtype = requireSameDType(q, k, v, ...(mask ? [mask] : []));
    if ([q, k, v].some(({ shape }) => shape.length < 2)) throw misfit('q, k and v need at least two axes');
    if (staticDim(q.shape.at(-1)!, 'the width of a head') !== k.shape.at(-1)) throw misfit('q and k differ in width');
    if (k.shape.at(-2) !== v.shape.at(-2)) throw misfit('k and v differ in length');
    const lead = q.shape.slice(0, -2);
    if (![k, v].every(({ shape }) => sameShape(shape.slice(0, -2), lead))) throw misfit('leading axes differ');
    const scores = [...lead, q.shape.at(-2)!, k.shape.at(-2)!];
    if (mask && !sameShape(broadcastShapes(scores, mask.shape), scores)) {
      throw misfit(`the mask does not broadcast to ${formatShape(scores)}`);
    }
    return [
      { dtype, shape: [...lead, q.shape.at(-2)!, v.shape.at(-1)!] },
      { dtype, shape: scores },
    ];
  },
  emit: ({ onnx, inputs: [q, k, v, mask], outputs, inputTypes: [{ shape }] }) => {
    const scores = onnx.value('FusedMatMul', [q, k], {
      domain: 'com.microsoft',
      attributes: { transB: 1, alpha: { float: 1 / Math.sqrt(shape.at(-1) as number) } },
    });
    const masked = mask ? onnx.value('Add', [scores, mask]) : scores;
    const shares = outputs[1] || onnx.fresh('Attention');
    onnx.node('Softmax', [masked], [shares], { attributes: { axis: -1 } });
    onnx.node('MatMul', [shares, v], [outputs[0]]);
  },
  // With P = softmax(S) and Y = P V: dS = P * (dP - rowsum(dP * P)), and rowsum(dP * P) = rowsum(dY * Y), which is
  // smaller.
  gradient: ({ inputs: [q, k, v, mask], outputs: [y, shares], outputGradients }) => {
    const dy = outputGradients[0] as Tensor;
    const rowSums = reduceSum(multiply(dy, y), { axes: [-1], keepDims: true });
    const dScores = multiply(shares, subtract(matmul(dy, v, { transposeB: true }), rowSums));
    const scale = 1 / Math.sqrt(q.shape.at(-1) as number);
    const dq = multiply(matmul(dScores, k), scale);
    // Products with the narrow side first, then turned: ONNX Runtime turns its first factor within the product, slowly.
    const dk = turned(multiply(matmul(q, dScores, { transposeA: true }), scale));
    return [dq, dk, turned(matmul(dy, shares, { transposeA: true })), ...(mask ? [dScores] : [])];
  },
  reference: ([q, k, v, mask]) => {
    const scale = 1 / Math.sqrt(q.shape[q.shape.length - 1]);
    const scores = mapNd(productNd(q, k, false, true), (value) => value * scale);
    const masked = mask ? zipNd(scores, mask, (a, b) => a + b) : scores;
    const shares = softmaxNd(masked, masked.shape.length - 1);
    return [productNd(shares, v, false, false), shares];
  },
};
