/**
 * Colours for boxes and phrases: deterministic, far apart, and readable under black text.
 *
 * Hues step by the golden angle in OKLCH (Ottosson 2020), so any first n are well spread; lightness cycles through
 * three levels so that hues that come close after many steps still differ. All are light enough for black text on top.
 */
import type { Rgb } from '../image/rgb-image.ts';

const GOLDEN_ANGLE_DEGREES = 137.507764;
/** The first hue is a clear blue; the next are red, green, violet, ... */
const FIRST_HUE_DEGREES = 250;
const LIGHTNESS_LEVELS = [0.74, 0.82, 0.68];
const CHROMA = 0.17;

/** The colour of the `index`-th thing (0, 1, 2, ...). */
export function colourAt(index: number): Rgb {
  const hue = ((FIRST_HUE_DEGREES + index * GOLDEN_ANGLE_DEGREES) * Math.PI) / 180;
  const lightness = LIGHTNESS_LEVELS[Math.floor(index / 6) % LIGHTNESS_LEVELS.length];
  // Chroma is lowered until the colour exists in sRGB; at 0 it is a grey, which always does.
  for (let chroma = CHROMA; ; chroma = Math.max(0, chroma - 0.005)) {
    const linear = oklabToLinearSrgb(lightness, chroma * Math.cos(hue), chroma * Math.sin(hue));
    if (chroma === 0 || linear.every((value) => value >= 0 && value <= 1)) {
      const [red, green, blue] = linear.map((value) => Math.round(255 * encodeSrgb(value)));
      return [red, green, blue];
    }
  }
}

/** One colour index per name, by order of first appearance; names that differ in case or spaces only share one. */
export function colourIndices(names: readonly string[]): number[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const key = name.trim().replace(/\s+/g, ' ').toLowerCase();
    const index = seen.get(key) ?? seen.size;
    seen.set(key, index);
    return index;
  });
}

/** `#rrggbb`. */
export function toHex(colour: Rgb): string {
  return `#${colour.map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

function oklabToLinearSrgb(lightness: number, a: number, b: number): [number, number, number] {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

function encodeSrgb(linear: number): number {
  return linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055;
}
