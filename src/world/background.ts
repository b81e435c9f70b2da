/**
 * What lies behind the objects: gradients, clouds of noise, checks, stripes, blurred blobs, dots, a horizon, a room.
 */

import type { Random } from '../random.ts';

/** A drawn background and the words for it. */
export interface Background {
  /** [height, width, 3] bytes. */
  readonly data: Uint8Array;
  /** A noun phrase for captions: "a striped background". */
  readonly phrase: string;
}

/** The phrases a background can have, for the vocabulary. */
export const BACKGROUND_PHRASES: readonly string[] = [
  'a plain background',
  'a cloudy background',
  'a checkered background',
  'a striped background',
  'a blurred background',
  'a dotted background',
  'a field under the sky',
  'a room with a floor',
];

type Rgb = [number, number, number];

const BLACK: Rgb = [0, 0, 0];
const WHITE: Rgb = [255, 255, 255];

/** Writes the colour of a pixel; it allocates nothing, as it runs 65,536 times an image. */
type Shader = (x: number, y: number, out: Rgb) => void;

/** Draws one background; everything about it comes from `random`. */
export function drawBackground(random: Random, width: number, height: number, kind?: number): Background {
  const makers = [gradient, clouds, checks, stripes, blobs, dots, horizon, room];
  const index = kind ?? random.int(0, makers.length - 1);
  const shade = makers[index](random, width, height);
  const data = new Uint8Array(width * height * 3);
  const colour: Rgb = [0, 0, 0];
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      shade(x, y, colour);
      data[at] = colour[0];
      data[at + 1] = colour[1];
      data[at + 2] = colour[2];
    }
  }
  return { data, phrase: BACKGROUND_PHRASES[index] };
}

/** Mostly muted, so that objects stand out, but any hue and any lightness. */
function anyColour(random: Random, low = 40, high = 245): Rgb {
  const grey = random.range(low, high);
  const spread = random.chance(0.3) ? 70 : 28;
  return [0, 1, 2].map(() => clampByte(grey + random.range(-spread, spread))) as Rgb;
}

function near(random: Random, [r, g, b]: Rgb, distance: number): Rgb {
  const lift = random.range(-distance, distance);
  return [r, g, b].map((value) => clampByte(value + lift + random.range(-distance, distance) * 0.4)) as Rgb;
}

function mix(a: Rgb, b: Rgb, t: number): Rgb {
  return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
}

/** {@link mix} without a new array; `out` may be `a`. */
function mixInto(out: Rgb, a: Rgb, b: Rgb, t: number): void {
  for (let channel = 0; channel < 3; channel++) out[channel] = a[channel] + (b[channel] - a[channel]) * t;
}

function clampByte(value: number): number {
  return Math.max(0, Math.min(255, value));
}

function gradient(random: Random, width: number, height: number): Shader {
  const [from, to] = [anyColour(random), anyColour(random)];
  if (random.chance(0.3)) {
    const [cx, cy, radius] = [random.range(0, width), random.range(0, height), Math.hypot(width, height) * 0.7];
    return (x, y, out) => mixInto(out, from, to, Math.min(1, Math.hypot(x - cx, y - cy) / radius));
  }
  const angle = random.range(0, 2 * Math.PI);
  const [ux, uy] = [Math.cos(angle) / width, Math.sin(angle) / height];
  return (x, y, out) =>
    mixInto(out, from, to, Math.max(0, Math.min(1, 0.5 + (x - width / 2) * ux + (y - height / 2) * uy)));
}

function clouds(random: Random, width: number, height: number): Shader {
  const from = anyColour(random);
  const to = near(random, from, 70);
  const noise = valueNoise(random, width, height, random.int(3, 8));
  return (x, y, out) => mixInto(out, from, to, noise(x, y));
}

function checks(random: Random): Shader {
  const from = anyColour(random);
  const to = near(random, from, 45);
  const size = random.range(10, 48);
  const angle = random.chance(0.5) ? 0 : Math.PI / 4;
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  return (x, y, out) => {
    const cell = Math.floor((x * cosine + y * sine) / size) + Math.floor((y * cosine - x * sine) / size);
    mixInto(out, from, to, cell & 1 ? 0 : 1);
  };
}

function stripes(random: Random): Shader {
  const from = anyColour(random);
  const to = near(random, from, 50);
  const [size, angle] = [random.range(6, 40), random.range(0, Math.PI)];
  const [ux, uy] = [Math.cos(angle) / size, Math.sin(angle) / size];
  const isSoft = random.chance(0.5);
  return (x, y, out) => {
    const wave = Math.sin((x * ux + y * uy) * Math.PI);
    mixInto(out, from, to, isSoft ? wave / 2 + 0.5 : wave > 0 ? 1 : 0);
  };
}

function blobs(random: Random, width: number, height: number): Shader {
  const base = anyColour(random);
  const lights = Array.from({ length: random.int(3, 9) }, () => ({
    x: random.range(0, width),
    y: random.range(0, height),
    reach: random.range(0.1, 0.4) * Math.max(width, height),
    colour: anyColour(random),
  }));
  return (x, y, out) => {
    mixInto(out, base, base, 0);
    for (const light of lights) {
      const distance = ((x - light.x) ** 2 + (y - light.y) ** 2) / light.reach ** 2;
      if (distance < 4) mixInto(out, out, light.colour, Math.exp(-distance * 1.2) * 0.8);
    }
  };
}

function dots(random: Random): Shader {
  const from = anyColour(random);
  const to = near(random, from, 45);
  const size = random.range(10, 36);
  const radius = size * random.range(0.15, 0.35);
  return (x, y, out) => {
    const row = Math.floor(y / size);
    const dx = ((x + (row & 1) * size * 0.5) % size) - size / 2;
    mixInto(out, from, to, dx * dx + ((y % size) - size / 2) ** 2 < radius * radius ? 1 : 0);
  };
}

function horizon(random: Random, width: number, height: number): Shader {
  const line = height * random.range(0.3, 0.6);
  const skies: Rgb[] = [
    [120, 180, 240],
    [240, 180, 140],
    [60, 70, 120],
    [190, 205, 215],
  ];
  const grounds: Rgb[] = [
    [120, 170, 80],
    [210, 180, 120],
    [140, 140, 145],
    [235, 240, 245],
    [110, 90, 60],
  ];
  const [sky, ground] = [near(random, random.pick(skies), 20), near(random, random.pick(grounds), 20)];
  const [high, low] = [mix(sky, WHITE, 0.5), mix(ground, BLACK, 0.25)];
  const noise = valueNoise(random, width, height, random.int(8, 24));
  const [hill, phase] = [random.range(0, 14), random.range(0, 6)];
  return (x, y, out) => {
    const edge = line + Math.sin(x / 40 + phase) * hill;
    if (y < edge) mixInto(out, sky, high, y / edge);
    else mixInto(out, ground, low, Math.min(1, ((y - edge) / (height - edge)) * 0.6 + noise(x, y) * 0.4));
  };
}

function room(random: Random, width: number, height: number): Shader {
  const line = height * random.range(0.45, 0.75);
  const wall = anyColour(random, 110, 240);
  const floors: Rgb[] = [
    [176, 124, 76],
    [130, 92, 60],
    [150, 150, 155],
    [205, 190, 165],
  ];
  const floor = near(random, random.pick(floors), 20);
  const [plank, paper] = [random.range(16, 50), random.chance(0.5) ? random.range(12, 40) : 0];
  const noise = valueNoise(random, width, height, 20);
  const [dark, skirting] = [mix(floor, BLACK, 0.3), mix(wall, WHITE, 0.5)];
  return (x, y, out) => {
    if (y < line - 5) {
      const wave = paper > 0 && Math.floor(x / paper) & 1 ? 0.06 : 0;
      mixInto(out, wall, BLACK, wave + (y / height) * 0.1);
    } else if (y < line) {
      mixInto(out, skirting, skirting, 0);
    } else {
      const depth = (y - line) / (height - line);
      const seam = Math.abs(((x - width / 2) / (1 + depth) / plank) % 1) < 0.06 ? 0.5 : 0;
      mixInto(out, floor, dark, Math.min(1, seam + noise(x, y) * 0.4));
    }
  };
}

/** Smooth noise in [0, 1): two octaves of random grids, bilinear between the points. `cells` of the first per side. */
function valueNoise(random: Random, width: number, height: number, cells: number): (x: number, y: number) => number {
  const octaves = [cells, cells * 3].map((count) => {
    const side = count + 2;
    return { count, side, grid: Float32Array.from({ length: side * side }, () => random.next()) };
  });
  const at = ({ count, side, grid }: (typeof octaves)[number], x: number, y: number) => {
    const u = (x / width) * count;
    const v = (y / height) * count;
    const k = Math.floor(v) * side + Math.floor(u);
    const fu = u - Math.floor(u);
    const fv = v - Math.floor(v);
    const upper = grid[k] + (grid[k + 1] - grid[k]) * fu;
    const lower = grid[k + side] + (grid[k + side + 1] - grid[k + side]) * fu;
    return upper + (lower - upper) * fv;
  };
  return (x, y) => at(octaves[0], x, y) * 0.7 + at(octaves[1], x, y) * 0.3;
}
