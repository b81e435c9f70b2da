/** Boxes as the object encoder's graph reads them: pooling weights and normalised centres and sizes. */

import { normalizeBoxes, xyxyToCxcywh } from '../boxes/convert.ts';
import { type HostTensor, hostTensor } from '../runtime/host-tensor.ts';
import { type PoolingMap, poolingWeights } from './pooling-weights.ts';

/** What to feed for `ObjectInputs`. */
export interface ObjectFeeds {
  readonly rows: HostTensor<'float32'>;
  readonly columns: HostTensor<'float32'>;
  readonly boxesCxcywhNormalized: HostTensor<'float32'>;
}

/**
 * @param boxesXyxySquare per image of the batch [K, 4] in pixels of the model's square input. Where one has fewer boxes
 *   than another, empty ones follow.
 * @param map the finest feature map
 */
export function objectFeeds(boxesXyxySquare: readonly ArrayLike<number>[], map: PoolingMap): ObjectFeeds {
  const batch = boxesXyxySquare.length;
  const count = Math.max(...boxesXyxySquare.map(({ length }) => length / 4));
  const rows = hostTensor('float32', [batch, count, map.height]);
  const columns = hostTensor('float32', [batch, count, map.width]);
  const boxesCxcywhNormalized = hostTensor('float32', [batch, count, 4]);
  boxesXyxySquare.forEach((boxes, b) => {
    const weights = poolingWeights(boxes, map);
    rows.data.set(weights.rows, b * count * map.height);
    columns.data.set(weights.columns, b * count * map.width);
    const cxcywh = xyxyToCxcywh(Float64Array.from(boxes));
    const normalized = normalizeBoxes(cxcywh, map.width / map.spatialScale, map.height / map.spatialScale);
    boxesCxcywhNormalized.data.set(normalized, 4 * b * count);
  });
  return { rows, columns, boxesCxcywhNormalized };
}
