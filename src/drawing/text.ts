/**
 * Text as SVG outlines from a font that ships with the package, so that a drawing is the same on every machine, also on
 * one without fonts.
 *
 * DejaVu Sans covers Latin, Greek, Cyrillic and many symbols. A character it lacks (Chinese, emoji) is drawn as the
 * font's empty box, which `missingCharacters` finds, and right-to-left scripts are not reordered; HTML and terminal
 * output have neither limit.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import opentype, { type Font } from 'opentype.js';

export type FontWeight = 'regular' | 'bold';

const FONT_FILES: Record<FontWeight, string> = {
  regular: '@fontsource/dejavu-sans/files/dejavu-sans-latin-400-normal.woff',
  bold: '@fontsource/dejavu-sans/files/dejavu-sans-latin-700-normal.woff',
};

/** Parsed on first use (about 0.1 s) and kept. */
const fonts = new Map<FontWeight, Font>();

/** Height of capital letters and depth below the baseline, as parts of the font size. */
export const CAP_HEIGHT = 0.73;
export const DESCENT = 0.24;

/** Width of one line in the unit of `size`. */
export function measureText(text: string, size: number, weight: FontWeight = 'regular'): number {
  const font = loadFont(weight);
  let units = 0;
  for (const character of text) units += font.charToGlyph(character).advanceWidth ?? 0;
  return (units * size) / font.unitsPerEm;
}

/** SVG path data of one line whose baseline starts at (x, y). */
export function textOutline(text: string, x: number, y: number, size: number, weight: FontWeight = 'regular'): string {
  const font = loadFont(weight);
  const outlines: string[] = [];
  let at = x;
  // Glyph by glyph: shaping (ligatures, marks) is not needed for labels, and this font's rules are beyond opentype.js.
  for (const character of text) {
    const glyph = font.charToGlyph(character);
    outlines.push(glyph.getPath(at, y, size).toPathData(2));
    at += ((glyph.advanceWidth ?? 0) * size) / font.unitsPerEm;
  }
  return outlines.join('');
}

/** The characters of texts that the font lacks, each once. */
export function missingCharacters(texts: readonly string[]): string[] {
  const font = loadFont('regular');
  const characters = new Set(texts.flatMap((text) => [...cleanText(text)]));
  return [...characters].filter((character) => font.charToGlyphIndex(character) === 0);
}

/** One sentence for people whose drawing shows empty boxes instead of characters. */
export function warnOfMissing(texts: readonly string[], onWarning: ((message: string) => void) | undefined): void {
  const missing = onWarning ? missingCharacters(texts) : [];
  if (missing.length === 0) return;
  const shown = `${missing.slice(0, 8).join('')}${missing.length > 8 ? '…' : ''}`;
  onWarning?.(`The drawing shows boxes for ${shown}, which its font lacks; HTML shows them.`);
}

/** The text, or as much of its beginning as fits `maxWidth` with an ellipsis. */
export function fitText(text: string, maxWidth: number, size: number, weight: FontWeight = 'regular'): string {
  if (measureText(text, size, weight) <= maxWidth) return text;
  const characters = [...text];
  let length = characters.length;
  const shortened = () => `${characters.slice(0, length).join('').trimEnd()}…`;
  while (length > 0 && measureText(shortened(), size, weight) > maxWidth) length--;
  return shortened();
}

/** Text on one line, without control characters or anything else that has no place in an image. */
export function cleanText(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '')
    .trim();
}

function loadFont(weight: FontWeight): Font {
  let font = fonts.get(weight);
  if (font === undefined) {
    const bytes = readFileSync(createRequire(import.meta.url).resolve(FONT_FILES[weight]));
    font = opentype.parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    fonts.set(weight, font);
  }
  return font;
}
