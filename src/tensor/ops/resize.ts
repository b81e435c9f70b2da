/** Images at another size, by interpolation; PyTorch's `interpolate` in its modes of the same names. */

import { generate, type NdArray, ndArray } from '../nd-array.ts';
import { requireDType, requireRank, staticDim } from '../shape.ts';
import type { DifferentiableOp } from '../tensor.ts';
import { apply, type Tensor } from '../tensor.ts';
import { constant } from './constant.ts';
import { matmul } from './matmul.ts';

export interface ResizeAttributes {
  readonly height: number;
  readonly width: number;
  readonly mode: 'bilinear' | 'nearest' | 'bicubic';
  /** Whether the centres of the corner pixels stay where they are, instead of the outer edges. */
  readonly alignCorners: boolean;
}

/** x [N, C, H, W] -> [N, C, height, width]. The gradient needs H and W to be static. */
export const resize = (
  x: Tensor,
  { alignCorners = false, ...options }: Omit<ResizeAttributes, 'alignCorners'> & { alignCorners?: boolean },
): Tensor => apply(resizeOp, [x], { ...options, alignCorners });

export const resizeOp: DifferentiableOp<ResizeAttributes> = {
  name: 'Resize',
  infer: ([x], { height, width }) => {
    requireDType(x, ['float32']);
    requireRank(x, 4);
    return [{ dtype: x.dtype, shape: [x.shape[0], x.shape[1], height, width] }];
  },
  emit: ({ onnx, inputs, outputs, attributes: { height, width, mode, alignCorners } }) =>
    onnx.node('Resize', [inputs[0], '', '', onnx.integers([height, width])], outputs, {
      attributes: {
        axes: [2, 3],
        mode: { bilinear: 'linear', bicubic: 'cubic', nearest: 'nearest' }[mode],
        nearest_mode: 'floor',
        coordinate_transformation_mode:
          mode === 'nearest' ? 'asymmetric' : alignCorners ? 'align_corners' : 'half_pixel',
      },
    }),
  // y = V x H with constant matrices, so dx = V^T dy H^T
  gradient: ({ inputs: [x], attributes, outputGradients: [dy] }) => {
    const [from, to] = [x.shape.slice(2), [attributes.height, attributes.width]];
    const [vertical, horizontal] = from.map((size, i) => {
      const matrix = interpolationMatrix(staticDim(size, 'the size of x'), to[i], attributes);
      return constant('float32', matrix.shape, Float32Array.from(matrix.data));
    });
    return [matmul(matmul(vertical, dy as Tensor, { transposeA: true }), horizontal)];
  },
  reference: ([x], attributes) => {
    const [n, c, height, width] = x.shape;
    const vertical = interpolationMatrix(height, attributes.height, attributes);
    const horizontal = interpolationMatrix(width, attributes.width, attributes);
    return [
      generate([n, c, attributes.height, attributes.width], ([image, channel, row, column]) => {
        let sum = 0;
        for (let y = 0; y < height; y++) {
          const share = vertical.data[row * height + y];
          if (share === 0) continue;
          for (let z = 0; z < width; z++) {
            sum +=
              share * horizontal.data[column * width + z] * x.data[((image * c + channel) * height + y) * width + z];
          }
        }
        return sum;
      }),
    ];
  },
};

/** [to, from]: how much of every input pixel is in every output pixel, along one axis. */
export function interpolationMatrix(
  from: number,
  to: number,
  { mode, alignCorners }: Pick<ResizeAttributes, 'mode' | 'alignCorners'>,
): NdArray {
  const matrix = ndArray([to, from]);
  for (let i = 0; i < to; i++) {
    if (mode === 'nearest') {
      matrix.data[i * from + Math.min(Math.floor((i * from) / to), from - 1)] = 1;
      continue;
    }
    const place = alignCorners ? (to > 1 ? (i * (from - 1)) / (to - 1) : 0) : ((i + 0.5) * from) / to - 0.5;
    const centre = mode === 'bilinear' ? Math.min(Math.max(place, 0), from - 1) : place;
    const reach = mode === 'bilinear' ? 1 : 2;
    for (let pixel = Math.floor(centre) - reach + 1; pixel <= Math.floor(centre) + reach; pixel++) {
      const share = mode === 'bilinear' ? 1 - Math.abs(centre - pixel) : cubic(Math.abs(centre - pixel));
      matrix.data[i * from + Math.min(Math.max(pixel, 0), from - 1)] += share;
    }
  }
  return matrix;
}

/** Keys' kernel with a = -0.75, the value of PyTorch and ONNX. */
function cubic(distance: number): number {
  const a = -0.75;
  if (distance <= 1) return (a + 2) * distance ** 3 - (a + 3) * distance ** 2 + 1;
  return distance < 2 ? a * distance ** 3 - 5 * a * distance ** 2 + 8 * a * distance - 4 * a : 0;
}
