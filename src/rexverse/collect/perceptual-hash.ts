/**
 * A hash of what an image looks like: 64 bits of the low frequencies of its brightness, as pHash takes them (32 x 32
 * brightness, two-dimensional cosine transform, the 8 x 8 lowest frequencies against their median). Copies in other
 * sizes and qualities differ in a few bits.
 */

/** Images are shrunk to a square of this side first. */
export const sampleSide = 32;
const lowest = 8;

/** cos((2x + 1) u pi / 64) for each frequency u and place x. */
const cosines = Array.from({ length: lowest }, (_, u) =>
  Float64Array.from({ length: sampleSide }, (_, x) => Math.cos(((2 * x + 1) * u * Math.PI) / (2 * sampleSide))),
);

/**
 * @param pixels 32 x 32 pixels in reading order, one or three bytes each
 * @returns 16 hexadecimal digits
 */
export function perceptualHash(pixels: Uint8Array): string {
  const channels = pixels.length / (sampleSide * sampleSide);
  const step = channels === 1 ? 0 : 1;
  const brightness = new Float64Array(sampleSide * sampleSide);
  for (let at = 0; at < brightness.length; at++) {
    const [r, g, b] = [pixels[channels * at], pixels[channels * at + step], pixels[channels * at + 2 * step]];
    brightness[at] = 0.299 * r + 0.587 * g + 0.114 * b;
  }
  const frequencies = lowFrequencies(brightness);
  // The mean brightness is no feature, and it would shift the median.
  const sorted = frequencies.slice(1).sort();
  const median = (sorted[31] + sorted[30]) / 2;
  let hash = 0n;
  for (const value of frequencies) hash = (hash << 1n) | (value > median ? 1n : 0n);
  return hash.toString(16).padStart(16, '0');
}

function lowFrequencies(brightness: Float64Array): Float64Array {
  const rows = new Float64Array(sampleSide * lowest);
  for (let y = 0; y < sampleSide; y++) {
    for (let u = 0; u < lowest; u++) {
      let sum = 0;
      for (let x = 0; x < sampleSide; x++) sum += brightness[y * sampleSide + x] * cosines[u][x];
      rows[y * lowest + u] = sum;
    }
  }
  const frequencies = new Float64Array(lowest * lowest);
  for (let v = 0; v < lowest; v++) {
    for (let u = 0; u < lowest; u++) {
      let sum = 0;
      for (let y = 0; y < sampleSide; y++) sum += rows[y * lowest + u] * cosines[v][y];
      // Steps far below a bit of brightness: the same image gives the same hash on every machine.
      frequencies[v * lowest + u] = Math.round(sum * 1024) / 1024;
    }
  }
  return frequencies;
}
