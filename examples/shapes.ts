/** Images of ten shapes, drawn from a formula: any place, size, turn and colours, and noise. As many as one likes. */

import type { Random } from '../src/random.ts';

/** Inside where the function is below zero; (x, y) in units of the shape's size, r and angle its polar form. */
const shapes: Record<string, (x: number, y: number, r: number, angle: number) => number> = {
  disc: (_x, _y, r) => r - 0.85,
  ring: (_x, _y, r) => Math.abs(r - 0.7) - 0.18,
  square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) - 0.72,
  frame: (x, y) => Math.abs(Math.max(Math.abs(x), Math.abs(y)) - 0.62) - 0.15,
  triangle: (x, y) => Math.max(y - 0.5, -0.5 * y + 0.87 * Math.abs(x) - 0.45),
  cross: (x, y) => Math.max(Math.max(Math.abs(x), Math.abs(y)) - 0.85, Math.min(Math.abs(x), Math.abs(y)) - 0.22),
  bar: (x, y) => Math.max(Math.abs(x) - 0.95, Math.abs(y) - 0.25),
  crescent: (x, y, r) => Math.max(r - 0.85, 0.65 - Math.hypot(x - 0.4, y)),
  star: (_x, _y, r, angle) => r - 0.55 - 0.35 * Math.cos(5 * angle),
  halves: (x, _y, r) => Math.max(r - 0.85, 0.2 - Math.abs(x)),
};

export const shapeNames: readonly string[] = Object.keys(shapes);

/** An image of the shape, float32 [3, side, side] around 0, written into `target`. */
export function drawShape(shape: number, side: number, random: Random, target: Float32Array): void {
  const inside = shapes[shapeNames[shape]];
  const size = random.range(0.28, 0.45) * side;
  const [centreX, centreY] = [random.range(size, side - size), random.range(size, side - size)];
  const turn = random.range(0, 2 * Math.PI);
  const paper = [random.next(), random.next(), random.next()];
  // Ink and paper differ in at least one channel.
  const ink = paper.map((value) => (value + random.range(0.3, 0.7)) % 1);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const [dx, dy] = [(column - centreX) / size, (row - centreY) / size];
      const x = dx * Math.cos(turn) + dy * Math.sin(turn);
      const y = dy * Math.cos(turn) - dx * Math.sin(turn);
      const colour = inside(x, y, Math.hypot(x, y), Math.atan2(y, x)) < 0 ? ink : paper;
      for (let channel = 0; channel < 3; channel++) {
        const noise = random.range(-0.08, 0.08);
        target[(channel * side + row) * side + column] = 2 * (colour[channel] + noise) - 1;
      }
    }
  }
}
