/**
 * What a small copy of an image says of its background and of how much is on it: shares and counts that a classifier of
 * plain white images reads.
 */

import { sampleSide } from './perceptual-hash.ts';

const pixelCount = sampleSide * sampleSide;
/** Brightness of the darkest channel from which a pixel is white, and from which it is nearly so. */
const [whiteFrom, nearlyWhiteFrom] = [245, 225];
/** Largest difference of a channel between neighbours, or from the border's usual color, that is no edge. */
const tolerance = 20;
/** Parts of each channel in the histogram of colors. */
const colorParts = 4;

/** Names of the numbers of `imageStatistics`, in their order. */
export const statisticNames = [
  'white border',
  'nearly white border',
  'darkest channel of the border, mean',
  'darkest channel of the border, deviation',
  'saturation of the border',
  'white',
  'nearly white',
  'background',
  'white among the background',
  'largest region',
  'box of all regions',
  'regions',
  'regions at the border',
  'edges',
  'edges outside the background',
  'colorfulness',
  'brightness',
  'contrast',
  'commonest color',
  'entropy of colors',
] as const;

/** Share of the outermost pixels that are nearly white: cheap, and enough to know that most photographs are none. */
export function nearlyWhiteBorder(pixels: Uint8Array): number {
  return share(
    borderPlaces,
    (at) => Math.min(pixels[3 * at], pixels[3 * at + 1], pixels[3 * at + 2]) >= nearlyWhiteFrom,
  );
}

/**
 * @param pixels 32 x 32 pixels in reading order, three bytes each
 * @returns a number for each of `statisticNames`, nearly all of them shares in [0, 1]
 */
export function imageStatistics(pixels: Uint8Array): Float64Array {
  const darkest = new Float64Array(pixelCount);
  const brightest = new Float64Array(pixelCount);
  for (let at = 0; at < pixelCount; at++) {
    const [r, g, b] = pixels.subarray(3 * at, 3 * at + 3);
    darkest[at] = Math.min(r, g, b);
    brightest[at] = Math.max(r, g, b);
  }
  const border = borderPlaces.map((at) => darkest[at]);
  const isBackground = floodFromBorder(pixels);
  const regions = regionsOutside(isBackground);
  const edges = edgesOf(pixels);
  const outside = places.filter((at) => !isBackground[at]);
  const background = places.filter((at) => isBackground[at]);
  const brightness = places.map((at) => (pixels[3 * at] + pixels[3 * at + 1] + pixels[3 * at + 2]) / 765);
  const colors = colorShares(pixels);
  return Float64Array.of(
    share(border, (value) => value >= whiteFrom),
    share(border, (value) => value >= nearlyWhiteFrom),
    mean(border) / 255,
    deviation(border) / 255,
    mean(borderPlaces.map((at) => brightest[at] - darkest[at])) / 255,
    share(darkest, (value) => value >= whiteFrom),
    share(darkest, (value) => value >= nearlyWhiteFrom),
    background.length / pixelCount,
    share(background, (at) => darkest[at] >= nearlyWhiteFrom),
    Math.max(0, ...regions.map(({ size }) => size)) / pixelCount,
    boxShare(outside),
    Math.log1p(regions.length) / 4,
    share(borderPlaces, (at) => !isBackground[at]),
    share(places, (at) => edges[at] === 1),
    share(outside, (at) => edges[at] === 1),
    colorfulness(pixels) / 100,
    mean(brightness),
    deviation(brightness),
    Math.max(...colors),
    entropy(colors) / Math.log(colors.length),
  );
}

const places = Array.from({ length: pixelCount }, (_, at) => at);
const borderPlaces = places.filter((at) => {
  const [x, y] = [at % sampleSide, Math.floor(at / sampleSide)];
  return x === 0 || y === 0 || x === sampleSide - 1 || y === sampleSide - 1;
});
const neighboursOf = places.map((at) => {
  const [x, y] = [at % sampleSide, Math.floor(at / sampleSide)];
  return [
    ...(x > 0 ? [at - 1] : []),
    ...(x < sampleSide - 1 ? [at + 1] : []),
    ...(y > 0 ? [at - sampleSide] : []),
    ...(y < sampleSide - 1 ? [at + sampleSide] : []),
  ];
});

/** What can be reached from the border over pixels of the border's usual color: the median of each channel. */
function floodFromBorder(pixels: Uint8Array): Uint8Array {
  const usual = [0, 1, 2].map((channel) => median(borderPlaces.map((at) => pixels[3 * at + channel])));
  const isUsual = (at: number) =>
    usual.every((value, channel) => Math.abs(pixels[3 * at + channel] - value) < tolerance);
  const reached = new Uint8Array(pixelCount);
  const waiting = borderPlaces.filter(isUsual);
  for (const at of waiting) reached[at] = 1;
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    for (const next of neighboursOf[at]) {
      if (reached[next] || !isUsual(next)) continue;
      reached[next] = 1;
      waiting.push(next);
    }
  }
  return reached;
}

/** Connected pieces of what is not background. */
function regionsOutside(isBackground: Uint8Array): { size: number }[] {
  const seen = Uint8Array.from(isBackground);
  const regions: { size: number }[] = [];
  for (const start of places) {
    if (seen[start]) continue;
    const region = { size: 0 };
    const waiting = [start];
    seen[start] = 1;
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      region.size++;
      for (const next of neighboursOf[at]) {
        if (seen[next]) continue;
        seen[next] = 1;
        waiting.push(next);
      }
    }
    regions.push(region);
  }
  return regions;
}

/** 1 where a pixel differs from its right or lower neighbour. */
function edgesOf(pixels: Uint8Array): Uint8Array {
  const edges = new Uint8Array(pixelCount);
  const differs = (a: number, b: number) =>
    [0, 1, 2].some((channel) => Math.abs(pixels[3 * a + channel] - pixels[3 * b + channel]) > tolerance);
  for (const at of places) {
    const isRight = at % sampleSide < sampleSide - 1 && differs(at, at + 1);
    edges[at] = isRight || (at + sampleSide < pixelCount && differs(at, at + sampleSide)) ? 1 : 0;
  }
  return edges;
}

/** Share of the image in the smallest box around some places. */
function boxShare(some: readonly number[]): number {
  if (some.length === 0) return 0;
  const [xs, ys] = [some.map((at) => at % sampleSide), some.map((at) => Math.floor(at / sampleSide))];
  const span = (values: readonly number[]) => Math.max(...values) - Math.min(...values) + 1;
  return (span(xs) * span(ys)) / pixelCount;
}

/** Hasler and Süsstrunk, 2003: spread and mean of red against green and of yellow against blue. */
function colorfulness(pixels: Uint8Array): number {
  const channel = (at: number, index: number) => pixels[3 * at + index];
  const redGreen = places.map((at) => channel(at, 0) - channel(at, 1));
  const yellowBlue = places.map((at) => (channel(at, 0) + channel(at, 1)) / 2 - channel(at, 2));
  const spread = Math.hypot(deviation(redGreen), deviation(yellowBlue));
  return spread + 0.3 * Math.hypot(mean(redGreen), mean(yellowBlue));
}

function colorShares(pixels: Uint8Array): Float64Array {
  const shares = new Float64Array(colorParts ** 3);
  for (const at of places) {
    const [r, g, b] = [0, 1, 2].map((index) => Math.floor((pixels[3 * at + index] * colorParts) / 256));
    shares[(r * colorParts + g) * colorParts + b] += 1 / pixelCount;
  }
  return shares;
}

function entropy(shares: Float64Array): number {
  return shares.reduce((sum, value) => (value > 0 ? sum - value * Math.log(value) : sum), 0);
}

function share<Value>(values: ArrayLike<Value>, isCounted: (value: Value) => boolean): number {
  let count = 0;
  for (let at = 0; at < values.length; at++) if (isCounted(values[at])) count++;
  return values.length === 0 ? 0 : count / values.length;
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += values[at];
  return values.length === 0 ? 0 : sum / values.length;
}

function deviation(values: ArrayLike<number>): number {
  const middle = mean(values);
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += (values[at] - middle) ** 2;
  return values.length === 0 ? 0 : Math.sqrt(sum / values.length);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
