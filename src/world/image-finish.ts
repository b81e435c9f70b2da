/**
 * What the camera does to a scene: light, contrast, gamma, a slight cast of colour, blur and noise.
 */

import type { Random } from '../random.ts';

/** Returns finished [height, width, 3] bytes; about a third of the images stay as they are. */
export function finishImage(random: Random, data: Uint8Array, width: number, height: number): Uint8Array {
  if (random.chance(0.3)) return data;
  const blurred = random.chance(0.2) ? boxBlur(data, width, height) : data;
  const tables = lightTables(random);
  const noise = random.chance(0.3) ? random.range(2, 9) : 0;
  const finished = new Uint8ClampedArray(data.length);
  const [red, green, blue] = tables;
  for (let at = 0; at < data.length; at += 3) {
    const grain = noise > 0 ? (random.next() + random.next() - 1) * noise * 2 : 0;
    finished[at] = red[blurred[at]] + grain;
    finished[at + 1] = green[blurred[at + 1]] + grain;
    finished[at + 2] = blue[blurred[at + 2]] + grain;
  }
  return new Uint8Array(finished.buffer);
}

/** One table of 256 values per channel; small enough changes that a red thing stays red. */
function lightTables(random: Random): Float32Array[] {
  const gamma = random.logRange(0.75, 1.33);
  const contrast = random.range(0.8, 1.15);
  const brightness = random.range(-18, 18);
  return [0, 1, 2].map(() => {
    const gain = random.range(0.95, 1.05);
    return Float32Array.from({ length: 256 }, (_, value) => {
      const bent = 255 * (value / 255) ** gamma;
      return ((bent - 128) * contrast + 128 + brightness) * gain;
    });
  });
}

/** A 3 x 3 mean; the border keeps its pixels. */
function boxBlur(data: Uint8Array, width: number, height: number): Uint8Array {
  const blurred = data.slice();
  const row = width * 3;
  for (let y = 1; y < height - 1; y++) {
    for (let at = y * row + 3; at < (y + 1) * row - 3; at++) {
      let sum = 0;
      for (let up = at - row; up <= at + row; up += row) sum += data[up - 3] + data[up] + data[up + 3];
      blurred[at] = sum / 9;
    }
  }
  return blurred;
}
