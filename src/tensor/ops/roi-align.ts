/** Regions of feature maps at a fixed size (He et al., 2017); agrees with torchvision's `roi_align`. */

import { multiplyDims } from '../dimension.ts';
import { generate, type NdArray } from '../nd-array.ts';
import { requireDType, requireRank } from '../shape.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { apply, misfit, type Tensor } from '../tensor.ts';
import { matmul } from './matmul.ts';
import { reshape } from './reshape.ts';
import { type RoiAlignAttributes, roiWeights } from './roi-weights.ts';
import { transpose } from './transpose.ts';

/**
 * x [N, C, H, W], boxes [N, K, 4] xyxy of each image -> [N, K, C, outputSize, outputSize]: averages of bilinear
 * samples. Gradient flows to x, not to boxes (as in torchvision), and needs H and W to be static.
 */
export const roiAlign = (
  x: Tensor,
  boxes: Tensor,
  {
    outputSize,
    samplingRatio = -1,
    spatialScale = 1,
    aligned = true,
  }: Partial<RoiAlignAttributes> & { outputSize: number },
): Tensor => apply(roiAlignOp, [x, boxes], { outputSize, samplingRatio, spatialScale, aligned });

export const roiAlignOp: DifferentiableOp<RoiAlignAttributes> = {
  name: 'RoiAlign',
  infer: ([x, boxes], { outputSize }) => {
    requireDType(x, ['float32']);
    requireDType(boxes, ['float32'], 'boxes');
    requireRank(x, 4);
    const [n, k, four] = boxes.shape;
    if (boxes.shape.length !== 3 || four !== 4 || n !== x.shape[0]) {
      throw misfit(`boxes must be [${x.shape[0]}, boxes, 4]`);
    }
    return [{ dtype: x.dtype, shape: [n, k, x.shape[1], outputSize, outputSize] }];
  },
  emit: ({ onnx, inputs: [x, boxes], outputs, inputTypes, outputTypes: [{ shape }], attributes }) => {
    const { outputSize, samplingRatio, spatialScale, aligned } = attributes;
    const [n, k] = inputTypes[1].shape;
    const scalar = (name: string) => onnx.value('Squeeze', [name]);
    const images = onnx.value('Range', [onnx.scalar('int64', 0), scalar(onnx.sizes([n])), onnx.scalar('int64', 1)]);
    const column = onnx.value('Unsqueeze', [images, onnx.integers([1])]);
    const perBox = onnx.value('Reshape', [onnx.value('Expand', [column, onnx.sizes([n, k])]), onnx.integers([-1])]);
    const flatBoxes = onnx.value('Reshape', [boxes, onnx.integers([-1, 4])]);
    const pooled = onnx.value('RoiAlign', [x, flatBoxes, perBox], {
      attributes: {
        mode: 'avg',
        output_height: outputSize,
        output_width: outputSize,
        sampling_ratio: Math.max(samplingRatio, 0),
        spatial_scale: { float: spatialScale },
        coordinate_transformation_mode: aligned ? 'half_pixel' : 'output_half_pixel',
      },
    });
    onnx.node('Reshape', [pooled, onnx.sizes(shape)], outputs);
  },
  // y[k, c] = V[k] x[c] H[k]^T, so dx[c] = sum over k of V[k]^T dy[k, c] H[k]: one product over boxes and rows of bins.
  gradient: ({ inputs: [x, boxes], attributes, outputGradients: [dy] }) => {
    const [n, c, height, width] = x.shape;
    const [k, bins] = [boxes.shape[1], attributes.outputSize];
    const { vertical, horizontal } = roiWeights(boxes, [height, width], attributes);
    // [N, K, C, bins, bins] -> [N, K, bins, C, bins] -> [N, K, bins, C, W]
    const byRow = reshape(transpose(dy as Tensor, [0, 1, 3, 2, 4]), [n, k, multiplyDims(bins, c), bins]);
    const spread = reshape(matmul(byRow, horizontal), [n, multiplyDims(k, bins), multiplyDims(c, width)]);
    const rows = reshape(vertical, [n, multiplyDims(k, bins), height]);
    const image = matmul(rows, spread, { transposeA: true });
    return [transpose(reshape(image, [n, height, c, width]), [0, 2, 1, 3]), null];
  },
  reference: ([x, boxes], attributes) => [roiAlignNd(x, boxes, attributes)],
};

function roiAlignNd(x: NdArray, boxes: NdArray, attributes: RoiAlignAttributes): NdArray {
  const { outputSize, samplingRatio, spatialScale, aligned } = attributes;
  const [n, channels, height, width] = x.shape;
  return generate([n, boxes.shape[1], channels, outputSize, outputSize], ([image, k, c, row, column]) => {
    const box = (image * boxes.shape[1] + k) * 4;
    const samples = (from: number, bin: number): number[] => {
      const start = boxes.data[box + from] * spatialScale - (aligned ? 0.5 : 0);
      const length = (boxes.data[box + from + 2] - boxes.data[box + from]) * spatialScale;
      const size = (aligned ? length : Math.max(length, 1)) / outputSize;
      const count = samplingRatio > 0 ? samplingRatio : Math.ceil(size);
      return Array.from({ length: Math.max(count, 0) }, (_, i) => start + size * (bin + (i + 0.5) / count));
    };
    const plane = x.data.subarray((image * channels + c) * height * width);
    const [ys, xs] = [samples(1, row), samples(0, column)];
    let sum = 0;
    for (const y of ys) for (const z of xs) sum += sampleInside(plane, height, width, y, z);
    return sum / Math.max(ys.length * xs.length, 1);
  });
}

/** Up to one pixel outside the edge counts as the edge, further out is zero. */
function sampleInside(plane: Float64Array, height: number, width: number, y: number, z: number): number {
  if (y < -1 || y > height || z < -1 || z > width) return 0;
  const [py, pz] = [Math.min(Math.max(y, 0), height - 1), Math.min(Math.max(z, 0), width - 1)];
  const [top, left] = [Math.floor(py), Math.floor(pz)];
  const pixel = (i: number, j: number) => plane[Math.min(i, height - 1) * width + Math.min(j, width - 1)];
  const upper = pixel(top, left) * (left + 1 - pz) + pixel(top, left + 1) * (pz - left);
  const lower = pixel(top + 1, left) * (left + 1 - pz) + pixel(top + 1, left + 1) * (pz - left);
  return upper * (top + 1 - py) + lower * (py - top);
}
