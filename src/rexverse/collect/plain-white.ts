/**
 * Tells low-content images on plain white (products, logos, charts, pages of text) from others (paper section 4.1,
 * image collection): a small network over statistics of a small copy. Trained by `tools/plain-white`; its card is
 * models/plain-white/README.md.
 */

import { readFileSync } from 'node:fs';
import { imageStatistics, nearlyWhiteBorder, statisticNames } from './image-statistics.ts';

export interface PlainWhiteModel {
  /** Names of what it reads, in order. */
  readonly statistics: readonly string[];
  readonly means: readonly number[];
  readonly deviations: readonly number[];
  /** Affine maps with a rectifier between; weights [outputs][inputs]. The last has one output, a logit. */
  readonly layers: readonly { readonly weight: readonly (readonly number[])[]; readonly bias: readonly number[] }[];
  /** Probability from which an image is left out: chosen on validation images. */
  readonly threshold: number;
}

let bundled: PlainWhiteModel | undefined;

/** The bundled one, read once. */
export function plainWhiteModel(): PlainWhiteModel {
  bundled ??= JSON.parse(
    readFileSync(new URL('../../../models/plain-white/model.json', import.meta.url), 'utf8'),
  ) as PlainWhiteModel;
  return bundled;
}

/** Least share of the border that is nearly white; with less an image is not asked about. */
export const leastWhiteBorder = 0.3;

/**
 * How likely a low-content image on plain white is, in [0, 1].
 * @param pixels 32 x 32 pixels in reading order, three bytes each
 */
export function plainWhiteProbability(pixels: Uint8Array): number {
  return nearlyWhiteBorder(pixels) < leastWhiteBorder ? 0 : probabilityOf(imageStatistics(pixels), plainWhiteModel());
}

/** @param statistics of `imageStatistics` */
export function probabilityOf(statistics: Float64Array, model: PlainWhiteModel): number {
  if (statistics[statisticNames.indexOf('nearly white border')] < leastWhiteBorder) return 0;
  let values = Array.from(statistics, (value, at) => (value - model.means[at]) / model.deviations[at]);
  for (const [at, { weight, bias }] of model.layers.entries()) {
    const isLast = at === model.layers.length - 1;
    values = weight.map((row, output) => {
      const sum = row.reduce((total, one, index) => total + one * values[index], bias[output]);
      return isLast ? sum : Math.max(0, sum);
    });
  }
  return 1 / (1 + Math.exp(-values[0]));
}
