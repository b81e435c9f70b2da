/** The images of a run: its losses and its held-out figures over steps. */

import { join } from 'node:path';
import { drawCurves } from '../drawing/curves.ts';
import { renderSvg } from '../drawing/encode.ts';
import { writeNamed } from '../files.ts';
import type { Metrics } from './metrics.ts';

/** Bookkeeping that would flatten the curves beside it. */
const unplotted = new Set(['step', 'seconds', 'sequenceTokens', 'gradientNorm', 'learningRate']);

/** Writes `curves.png` (training) and, once there are figures, `validation.png` into the folder. */
export async function writeCurves(folder: string, records: readonly Metrics[]): Promise<void> {
  const names = new Set(records.flatMap((record) => Object.keys(record)).filter((name) => !unplotted.has(name)));
  const seriesOf = (name: string) => ({
    name,
    points: records.filter((record) => name in record).map((record): [number, number] => [record.step, record[name]]),
  });
  const isHeldOut = (name: string) => name.startsWith('val ');
  const images = [
    { file: 'curves.png', series: [...names].filter((name) => !isHeldOut(name)), yScale: 'log' },
    { file: 'validation.png', series: [...names].filter(isHeldOut), yScale: 'linear' },
  ] as const;
  for (const { file, series, yScale } of images) {
    const drawable = series.map(seriesOf).filter(({ points }) => points.some(([, y]) => yScale !== 'log' || y > 0));
    if (drawable.length === 0) continue;
    const svg = drawCurves(drawable, { title: folder.split(/[\\/]/).at(-1), xLabel: 'step', yScale });
    await writeNamed(join(folder, file), await renderSvg(svg));
  }
}
