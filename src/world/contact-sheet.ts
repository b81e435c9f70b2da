/**
 * A grid of scenes with their boxes, to look at: white boxes are fine and coarse, green fine only, red coarse only.
 */

import sharp from 'sharp';
import type { Scene, SceneObject } from './scene.ts';

const COLUMNS = 6;
const GAP = 4;

/** Draws scenes of equal size into one PNG. */
export async function drawContactSheet(scenes: readonly Scene[]): Promise<Uint8Array> {
  const { width, height } = scenes[0].image;
  const columns = Math.min(COLUMNS, scenes.length);
  const rows = Math.ceil(scenes.length / columns);
  const at = (index: number) => ({
    left: (index % columns) * (width + GAP),
    top: Math.floor(index / columns) * (height + GAP),
  });
  const images = scenes.map(({ image: { data } }, index) => ({
    input: Buffer.from(data.buffer, data.byteOffset, data.length),
    raw: { width, height, channels: 3 as const },
    ...at(index),
  }));
  const boxes = scenes.flatMap(({ objects }, index) => objects.map((object) => boxOutline(object, at(index))));
  const size = { width: columns * (width + GAP) - GAP, height: rows * (height + GAP) - GAP };
  const overlay = `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}">${boxes.join('')}</svg>`;
  return sharp({ create: { ...size, channels: 3, background: '#202226' } })
    .composite([...images, { input: Buffer.from(overlay), left: 0, top: 0 }])
    .png()
    .toBuffer();
}

function boxOutline({ boxXyxy, isFine, isCoarse }: SceneObject, { left, top }: { left: number; top: number }): string {
  const [x1, y1, x2, y2] = boxXyxy;
  const colour = isFine && isCoarse ? '#ffffff' : isFine ? '#19e34b' : '#ff2d3c';
  const shape = `x="${left + x1 + 0.5}" y="${top + y1 + 0.5}" width="${x2 - x1 - 1}" height="${y2 - y1 - 1}"`;
  return `<rect ${shape} fill="none" stroke="${colour}"/>`;
}
