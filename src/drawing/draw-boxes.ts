/**
 * Boxes over an image, legible from one box to hundreds and from thumbnails to large photographs.
 *
 * The image is drawn with sides that suit a screen (small ones enlarged, more so when there are many boxes; very large
 * ones reduced). Small boxes lie on top of large ones; every line has a dark halo, so that it shows on any background;
 * the more boxes, the thinner the lines. Labels never overlap (see `place-labels.ts`) and hide at most a fifth of the
 * image: every name is shown once if it can be, then the smallest boxes come first, and what is left over is told by
 * colour alone. A bare score stands at its box or not at all.
 */
import type { Sharp } from 'sharp';
import { type BoxArray, countBoxes } from '../boxes/box-array.ts';
import { ChatRexError } from '../errors.ts';
import type { ImageSize, Rgb, RgbImage } from '../image/rgb-image.ts';
import { colourAt, colourIndices, toHex } from './colours.ts';
import { encodeImage, type ImageFormat, sharpFrom } from './encode.ts';
import { type LabelRequest, type PlacedLabel, placeLabels, type Rectangle } from './place-labels.ts';
import { CAP_HEIGHT, cleanText, fitText, measureText, textOutline, warnOfMissing } from './text.ts';

/** The longer side of a drawing in pixels: below, labels are unreadable; above, files grow and nobody sees more. */
export const DRAWING_LONGEST_MINIMUM = 800;
export const DRAWING_LONGEST_MAXIMUM = 4096;

/** The minimum doubles as boxes go from `FEW_BOXES` to four times as many: each label then hides less of the image. */
const FEW_BOXES = 20;

/** From this enlargement on single pixels are shown as squares; smoothing would only show a blur. */
const SMALLEST_SCALE_WITH_SQUARE_PIXELS = 8;

/** The part of the image that labels may hide. */
const LABEL_BUDGET = 0.2;
/** The part of the image's width at which one label is cut short. */
const LABEL_WIDTH = 0.4;

export interface DrawBoxesOptions {
  /** One per box; an empty string draws none. */
  readonly labels?: readonly string[];
  /** One per box; shown behind the label, or alone. */
  readonly scores?: ArrayLike<number>;
  /** One per box; by default boxes with equal labels share a colour, and boxes without labels each have their own. */
  readonly colours?: readonly Rgb[];
  /** `png` when left out. */
  readonly format?: ImageFormat;
  /** Of `jpeg` and `webp`, from 1 to 100; 92 when left out. */
  readonly quality?: number;
  /** Called with one sentence when the drawing cannot show something as it is. */
  readonly onWarning?: (message: string) => void;
}

/** A box ready to be drawn, in drawing pixels. */
export interface DrawnBox extends Rectangle {
  readonly colour: Rgb;
  readonly label: string;
  /** Whether the label is a name, worth a leader line, and not a bare score. */
  readonly isNamed: boolean;
}

/**
 * Draws boxes and returns the bytes of an image file.
 * @param boxesXyxy [N,4] in pixels of `image`; parts outside the image are cut off, boxes wholly outside are not drawn
 * @throws ChatRexError `invalid-argument` when a list has another length than the boxes, or a coordinate is no number
 * @example writeFile('out.png', await drawBoxes(image, boxesXyxy, { labels: ['cat'], scores: [0.93] }));
 */
export async function drawBoxes(
  image: RgbImage,
  boxesXyxy: BoxArray,
  options: DrawBoxesOptions = {},
): Promise<Uint8Array> {
  const count = countBoxes(boxesXyxy);
  const { labels, scores, colours } = options;
  for (const [name, list] of Object.entries({ labels, scores, colours })) {
    if (list === undefined || list.length === count) continue;
    throw new ChatRexError(
      'invalid-argument',
      `There are ${count} boxes but ${list.length} ${name}; give one per box.`,
    );
  }
  warnOfMissing(labels ?? [], options.onWarning);
  const indices = labels === undefined ? undefined : colourIndices(labels);
  const scale = drawingScale(image, count);
  const boxes: DrawnBox[] = [];
  for (let at = 0; at < count; at++) {
    const rectangle = visiblePart(boxesXyxy, at, image, scale);
    if (rectangle === undefined) continue;
    const name = cleanText(labels?.[at] ?? '');
    const score = scores === undefined ? '' : formatScore(scores[at]);
    const colour = colours?.[at] ?? colourAt(indices?.[at] ?? at);
    boxes.push({ ...rectangle, colour, label: `${name} ${score}`.trim(), isNamed: name !== '' });
  }
  const size = scaledSize(image, scale);
  return encodeImage(drawOver(image, size, boxLayer(boxes, size)), options.format ?? 'png', options.quality);
}

/** Factor from image pixels to drawing pixels. */
export function drawingScale({ width, height }: ImageSize, boxCount: number): number {
  const longest = Math.max(width, height);
  const minimum = DRAWING_LONGEST_MINIMUM * Math.min(Math.max(Math.sqrt(boxCount / FEW_BOXES), 1), 2);
  return Math.min(Math.max(longest, minimum), DRAWING_LONGEST_MAXIMUM) / longest;
}

export function scaledSize({ width, height }: ImageSize, scale: number): ImageSize {
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/**
 * An image enlarged or reduced to `size` in the top left corner of `canvas`, with an SVG layer over the whole canvas.
 */
export function drawOver(image: RgbImage, size: ImageSize, layer: string, canvas: ImageSize = size): Sharp {
  const { width, height } = canvas;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${layer}</svg>`;
  const kernel = size.width >= image.width * SMALLEST_SCALE_WITH_SQUARE_PIXELS ? 'nearest' : 'cubic';
  return sharpFrom(image)
    .resize(size.width, size.height, { fit: 'fill', kernel })
    .extend({ right: width - size.width, bottom: height - size.height, background: '#ffffff' })
    .composite([{ input: Buffer.from(svg), unlimited: true }])
    .removeAlpha();
}

/** Box `index` in drawing pixels, cut to the image; undefined when nothing of it lies inside. */
export function visiblePart(
  boxesXyxy: BoxArray,
  index: number,
  image: ImageSize,
  scale: number,
): Rectangle | undefined {
  const box = boxesXyxy.subarray(index * 4, index * 4 + 4);
  if (!box.every(Number.isFinite)) {
    throw new ChatRexError('invalid-argument', `Box ${index} must be four finite numbers; got ${box.join(', ')}.`);
  }
  const [x1, y1, x2, y2] = box;
  const left = Math.max(0, Math.min(x1, x2));
  const right = Math.min(image.width, Math.max(x1, x2));
  const top = Math.max(0, Math.min(y1, y2));
  const bottom = Math.min(image.height, Math.max(y1, y2));
  if (left > right || top > bottom) return undefined;
  return { left: left * scale, top: top * scale, right: right * scale, bottom: bottom * scale };
}

/** SVG elements of boxes and labels for a drawing of `size`; labels may hide the part `labelBudget` of it. */
export function boxLayer(boxes: readonly DrawnBox[], size: ImageSize, labelBudget = LABEL_BUDGET): string {
  const shorter = Math.min(size.width, size.height);
  const crowd = Math.max(1, boxes.length / FEW_BOXES);
  const line = Math.max(1.5, Math.min(8, shorter / 240) / crowd ** 0.35);
  const fontSize = Math.max(11, Math.min(44, shorter / 38) / crowd ** 0.35);
  const largestFirst = [...boxes].sort((a, b) => areaOf(b) - areaOf(a));
  const labels = labelsWithinBudget(largestFirst.toReversed(), size, fontSize, labelBudget);
  const places = placeLabels(labels, size);
  const leaders: string[] = [];
  const tags: string[] = [];
  for (const [at, { text, box }] of labels.entries()) {
    const place = places[at];
    if (place === undefined) continue;
    if (place.leader !== undefined) leaders.push(leaderLine(place.leader, toHex(box.colour), line));
    tags.push(tag(text, place, box.colour, fontSize));
  }
  // Leaders lie under all labels, so that no line strikes out a word.
  return [...largestFirst.map((box) => outline(box, line, size)), ...leaders, ...tags].join('');
}

interface Label extends LabelRequest {
  readonly box: DrawnBox;
  readonly text: string;
}

/** The labels to place, in the order in which they may choose; see the budget above. */
function labelsWithinBudget(
  smallestFirst: readonly DrawnBox[],
  size: ImageSize,
  fontSize: number,
  budget: number,
): Label[] {
  const wanted = smallestFirst
    .filter((box) => box.label !== '')
    .map((box): Label => {
      const text = fitText(box.label, size.width * LABEL_WIDTH, fontSize, 'bold');
      const width = measureText(text, fontSize, 'bold') + fontSize * 0.6;
      return { box, text, width, height: fontSize * 1.35, mayLeave: box.isNamed };
    });
  const colours = new Set<string>();
  const firstOfItsColour = new Set(
    wanted.filter(({ box }) => colours.size < colours.add(toHex(box.colour)).size && box.isNamed),
  );
  let left = budget * size.width * size.height;
  const chosen = new Set<Label>();
  for (const label of [...firstOfItsColour, ...wanted]) {
    // One label is always shown, however small the image.
    if (chosen.has(label) || (chosen.size > 0 && label.width * label.height > left)) continue;
    left -= label.width * label.height;
    chosen.add(label);
  }
  // Small boxes have the fewest places for their label, so they choose first.
  return wanted.filter((label) => chosen.has(label));
}

function areaOf({ left, top, right, bottom }: Rectangle): number {
  return (right - left) * (bottom - top);
}

function outline(box: DrawnBox, line: number, size: ImageSize): string {
  // Lines lie within the image, so that a box at its border is not half cut away.
  const left = Math.min(Math.max(box.left, line / 2), size.width - line / 2);
  const top = Math.min(Math.max(box.top, line / 2), size.height - line / 2);
  const width = Math.max(0.1, Math.min(box.right, size.width - line / 2) - left);
  const height = Math.max(0.1, Math.min(box.bottom, size.height - line / 2) - top);
  const shape = `x="${short(left)}" y="${short(top)}" width="${short(width)}" height="${short(height)}" fill="none"`;
  return (
    `<rect ${shape} stroke="#000" stroke-opacity=".55" stroke-width="${short(line * 1.9)}" stroke-linejoin="round"/>` +
    `<rect ${shape} stroke="${toHex(box.colour)}" stroke-width="${short(line)}" stroke-linejoin="round"/>`
  );
}

function tag(text: string, place: Rectangle, colour: Rgb, fontSize: number): string {
  const baseline = (place.top + place.bottom) / 2 + (fontSize * CAP_HEIGHT) / 2;
  return (
    `<rect x="${short(place.left)}" y="${short(place.top)}" width="${short(place.right - place.left)}"` +
    ` height="${short(place.bottom - place.top)}" rx="${short(fontSize * 0.18)}" fill="${toHex(colour)}"` +
    ` stroke="#000" stroke-opacity=".55" stroke-width="1"/>` +
    `<path d="${textOutline(text, place.left + fontSize * 0.3, baseline, fontSize, 'bold')}" fill="#000"/>`
  );
}

function leaderLine(leader: NonNullable<PlacedLabel['leader']>, fill: string, line: number): string {
  const ends = `x1="${short(leader.fromX)}" y1="${short(leader.fromY)}" x2="${short(leader.toX)}" y2="${short(leader.toY)}"`;
  const width = Math.max(1.2, line * 0.7);
  return (
    `<line ${ends} stroke="#000" stroke-opacity=".55" stroke-width="${short(width * 1.9)}"/>` +
    `<line ${ends} stroke="${fill}" stroke-width="${short(width)}"/>`
  );
}

function formatScore(score: number): string {
  if (!Number.isFinite(score)) return '';
  return score.toFixed(2).replace(/^0\./, '.');
}

function short(value: number): string {
  return String(Math.round(value * 100) / 100);
}
