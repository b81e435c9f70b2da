/**
 * Images as shops and logos have them: a thing, a drawing, a word or a chart on white; and what resembles them and is
 * none: photographs in a white frame, bright photographs, things on colored ground.
 */

import sharp, { type OverlayOptions, type Sharp } from 'sharp';
import { textOutline } from '../../src/drawing/text.ts';
import type { Random } from '../../src/random.ts';

/** RGBA, as PNG or WebP bytes or a path. */
export type CutOut = Buffer | string;

/** Sharp's largest shadows and blurs stay quick at this size. */
const [shortest, longest] = [200, 480];

/** One to three things on white or nearly white ground, some of them cut off by the border, some with a shadow. */
export async function thingsOnWhite(things: readonly CutOut[], random: Random): Promise<Buffer> {
  return compose(things, await ground(random, whiteColor(random)), random);
}

/** The same on ground of another color. */
export async function thingsOnColor(things: readonly CutOut[], random: Random): Promise<Buffer> {
  const color = random.chance(0.3)
    ? '#0a0a0a'
    : `hsl(${random.int(0, 359)} ${random.int(10, 90)}% ${random.int(15, 78)}%)`;
  return compose(things, await ground(random, color), random);
}

/** A photograph inside a white border, as old prints and slides of presentations have it. */
export async function framed(file: string, random: Random): Promise<Buffer> {
  const photo = sharp(file).rotate().resize(longest, longest, { fit: 'inside' });
  const { data, info } = await photo.png({ compressionLevel: 1 }).toBuffer({ resolveWithObject: true });
  const [x, y] = [random.int(12, Math.round(0.14 * info.width)), random.int(12, Math.round(0.14 * info.height))];
  const background = whiteColor(random);
  const bottom = random.chance(0.3) ? 2 * y : y;
  return finished(sharp(data).extend({ top: y, bottom, left: x, right: x, background }), random);
}

/** A photograph that is too bright. */
export async function overexposed(file: string, random: Random): Promise<Buffer> {
  const gain = random.range(1.2, 1.9);
  return finished(
    sharp(file).rotate().resize(longest, longest, { fit: 'inside' }).linear(gain, random.int(0, 40)),
    random,
  );
}

const words = 'sale new bold nova peak orbit mint lumen atlas core delta echo form grid halo iris'.split(' ');

/** A word, a shape with a word, a page of text, a chart, or a drawn product. */
export async function drawing(random: Random): Promise<Buffer> {
  const [width, height] = [random.int(shortest, longest), random.int(shortest, longest)];
  const kind = random.pick(['logo', 'logo', 'page', 'chart', 'product', 'product']);
  const marks = { logo, page, chart, product }[kind as 'logo'](width, height, random);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <rect width="100%" height="100%" fill="${whiteColor(random)}"/>${marks}</svg>`;
  return finished(sharp(Buffer.from(svg)), random);
}

function logo(width: number, height: number, random: Random): string {
  const word = random.pick(words);
  const size = Math.min(height / 4, width / word.length);
  const color = anyColor(random);
  const shape = random.pick([
    `<circle cx="${width / 2}" cy="${height * 0.36}" r="${height * random.range(0.1, 0.22)}" fill="${color}"/>`,
    `<rect x="${width * 0.35}" y="${height * 0.15}" width="${width * 0.3}" height="${height * 0.3}" rx="12" fill="${color}"/>`,
    `<path d="M${width / 2} ${height * 0.1}L${width * 0.68} ${height * 0.5}L${width * 0.32} ${height * 0.5}Z" fill="${color}"/>`,
    '',
  ]);
  const path = textOutline(word, width * random.range(0.08, 0.25), height * random.range(0.66, 0.85), size, 'bold');
  return `${shape}<path d="${path}" fill="${anyColor(random)}"/>`;
}

function page(width: number, height: number, random: Random): string {
  const size = random.range(9, 16);
  const lines: string[] = [];
  for (let y = height * 0.12; y < height * random.range(0.5, 0.95); y += 1.6 * size) {
    const text = Array.from({ length: Math.floor(width / (4.4 * size)) }, () => random.pick(words)).join(' ');
    lines.push(textOutline(text.slice(0, Math.floor((width * 0.86) / (0.58 * size))), width * 0.07, y, size));
  }
  return `<path d="${lines.join('')}" fill="#222"/>`;
}

function chart(width: number, height: number, random: Random): string {
  const count = random.int(3, 9);
  const color = anyColor(random);
  const bars = Array.from({ length: count }, (_, at) => {
    const tall = height * random.range(0.1, 0.65);
    const x = width * (0.15 + (0.75 * at) / count);
    return `<rect x="${x}" y="${height * 0.85 - tall}" width="${(0.5 * width) / count}" height="${tall}" fill="${random.chance(0.3) ? anyColor(random) : color}"/>`;
  });
  const axes = `<path d="M${width * 0.12} ${height * 0.1}V${height * 0.85}H${width * 0.93}" stroke="#333" stroke-width="2" fill="none"/>`;
  return axes + bars.join('');
}

/** Bottles, boxes and mugs: a body with a gradient, some with a label, and a shadow below. */
function product(width: number, height: number, random: Random): string {
  const [color, cap] = [anyColor(random), anyColor(random)];
  const [w, h] = [width * random.range(0.2, 0.6), height * random.range(0.45, 0.8)];
  const [x, y] = [(width - w) / 2, (height - h) / 2];
  const defs = `<defs><linearGradient id="g"><stop offset="0" stop-color="${color}"/><stop offset=".35" stop-color="#fff" stop-opacity=".75"/><stop offset="1" stop-color="${color}"/></linearGradient><filter id="b"><feGaussianBlur stdDeviation="6"/></filter></defs>`;
  const shadow = random.chance(0.6)
    ? `<ellipse cx="${width / 2}" cy="${y + h}" rx="${w * 0.6}" ry="${h * 0.05}" fill="#777" filter="url(#b)"/>`
    : '';
  const body = random.pick([
    `<rect x="${x}" y="${y}" width="${w}" height="${h}" rx="${random.int(0, 30)}" fill="url(#g)"/>`,
    `<rect x="${x + w * 0.35}" y="${y}" width="${w * 0.3}" height="${h * 0.25}" fill="${cap}"/><rect x="${x}" y="${y + h * 0.2}" width="${w}" height="${h * 0.8}" rx="24" fill="url(#g)"/>`,
    `<ellipse cx="${width / 2}" cy="${height / 2}" rx="${w / 2}" ry="${h / 2}" fill="url(#g)"/>`,
  ]);
  const label = random.chance(0.6)
    ? `<path d="${textOutline(random.pick(words), x + w * 0.12, y + h * 0.6, w * 0.2, 'bold')}" fill="#111"/>`
    : '';
  return defs + shadow + body + label;
}

async function ground(random: Random, color: string): Promise<Buffer> {
  const [width, height] = [random.int(shortest, longest), random.int(shortest, longest)];
  // The light of a studio falls off towards the corners.
  const dim = random.chance(0.2)
    ? `<radialGradient id="v"><stop offset=".5" stop-color="#000" stop-opacity="0"/><stop offset="1" stop-color="#000" stop-opacity="${random.range(0.02, 0.1)}"/></radialGradient>`
    : '';
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><defs>${dim}</defs>
    <rect width="100%" height="100%" fill="${color}"/>${dim && '<rect width="100%" height="100%" fill="url(#v)"/>'}</svg>`;
  return sharp(Buffer.from(svg)).png({ compressionLevel: 1 }).toBuffer();
}

async function compose(things: readonly CutOut[], base: Buffer, random: Random): Promise<Buffer> {
  const { width = 1, height = 1 } = await sharp(base).metadata();
  const overlays: OverlayOptions[] = [];
  for (const thing of things) {
    const room = Math.min(width, height) * (things.length === 1 ? random.range(0.35, 0.98) : random.range(0.25, 0.5));
    const { data, info } = await sharp(thing)
      .resize(Math.round(room), Math.round(room), { fit: 'inside' })
      .png({ compressionLevel: 1 })
      .toBuffer({ resolveWithObject: true });
    const [left, top] = [random.int(0, width - info.width), random.int(0, height - info.height)];
    if (random.chance(0.3)) overlays.push({ ...{ left, top }, input: await shadowOf(data) });
    overlays.push({ ...{ left, top }, input: data });
  }
  return finished(sharp(await sharp(base).composite(overlays).png({ compressionLevel: 1 }).toBuffer()), random);
}

/** The thing's outline, gray and soft. */
async function shadowOf(thing: Buffer): Promise<Buffer> {
  const alpha = await sharp(thing)
    .ensureAlpha()
    .extractChannel(3)
    .blur(5)
    .linear(0.35, 0)
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = alpha.info;
  return sharp({ create: { width, height, channels: 3, background: '#555' } })
    .joinChannel(alpha.data, { raw: { width, height, channels: 1 } })
    .png({ compressionLevel: 1 })
    .toBuffer();
}

function whiteColor(random: Random): string {
  const value = random.chance(0.7) ? 255 : random.int(236, 254);
  return `rgb(${value}, ${value}, ${Math.max(230, value - random.int(0, 4))})`;
}

const anyColor = (random: Random) => `hsl(${random.int(0, 359)} ${random.int(0, 90)}% ${random.int(5, 70)}%)`;

function finished(image: Sharp, random: Random): Promise<Buffer> {
  return image
    .flatten({ background: '#fff' })
    .jpeg({ quality: random.int(45, 95) })
    .toBuffer();
}
