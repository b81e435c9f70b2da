/**
 * Line charts of training: losses and scores over steps, as SVG that looks the same everywhere.
 *
 * A long noisy series is drawn twice: faintly as it is (thinned to the extremes of every pixel column) and strongly as
 * its running mean. Values that are not finite, and values below or at 0 on a logarithmic axis, leave a gap.
 */
import { ChatRexError } from '../errors.ts';
import { colourAt, toHex } from './colours.ts';
import { CAP_HEIGHT, cleanText, fitText, measureText, textOutline } from './text.ts';

export interface Series {
  readonly name: string;
  /** In rising order of x. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface CurvesOptions {
  readonly title?: string;
  readonly xLabel?: string;
  readonly yLabel?: string;
  /** `linear` when left out. */
  readonly yScale?: 'linear' | 'log';
}

const WIDTH = 960;
const HEIGHT = 540;
const FONT_SIZE = 14;
const MARGIN = { left: 84, right: 24, bottom: 58 };
const LEGEND_ROW = 24;
/** Series longer than this are smoothed over a fiftieth of their length. */
const SMOOTH_FROM = 150;
const SMOOTHING_PART = 1 / 50;

interface Axis {
  readonly ticks: readonly { readonly value: number; readonly text: string }[];
  /** Value to a position between 0 and 1. */
  place(value: number): number;
}

interface Plot {
  readonly x: Axis;
  readonly y: Axis;
  readonly top: number;
}

/**
 * Draws all series over common axes.
 * @returns an SVG document of 960 x 540; `renderSvg` makes an image file of it
 * @throws ChatRexError `invalid-argument` when no series has a point that can be drawn
 */
export function drawCurves(series: readonly Series[], options: CurvesOptions = {}): string {
  const isLog = options.yScale === 'log';
  const drawable = (y: number) => Number.isFinite(y) && (!isLog || y > 0);
  const points = series.flatMap((one) => one.points).filter(([x, y]) => Number.isFinite(x) && drawable(y));
  if (points.length === 0) {
    throw new ChatRexError('invalid-argument', `No point to draw in ${series.length} series; expected finite numbers.`);
  }
  const legend = legendRows(series.map(({ name }) => cleanText(name)));
  const titleHeight = options.title === undefined ? 14 : 44;
  const top = titleHeight + legend.length * LEGEND_ROW + 8;
  const x = linearAxis(extent(points.map(([value]) => value)), 8, false);
  const yRange = extent(points.map(([, value]) => value));
  const plot = { x, y: isLog ? logAxis(yRange) : linearAxis(yRange, 6, true), top };
  const parts = [
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    options.title === undefined ? '' : text(options.title, MARGIN.left, 30, 18, 'bold'),
    ...legend.flatMap((row, at) => row.map((entry) => legendEntry(entry, titleHeight + at * LEGEND_ROW))),
    axes(plot, options),
    ...series.map((one, at) => curve(one.points, strokeColour(at), plot, drawable)),
  ];
  const head = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}">`;
  return `${head}\n${parts.join('\n')}\n</svg>\n`;
}

/** The colours of boxes, darkened for thin lines on white. */
function strokeColour(index: number): string {
  const [red, green, blue] = colourAt(index);
  return toHex([Math.round(red * 0.8), Math.round(green * 0.8), Math.round(blue * 0.8)]);
}

function extent(values: readonly number[]): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}

/** Ticks at 1, 2 or 5 times a power of ten. `isRounded` widens the axis to whole ticks. */
function linearAxis([low, high]: [number, number], wishedTicks: number, isRounded: boolean): Axis {
  const middleSpread = Math.abs(low) * 0.1 || 1;
  const [from, to] = low === high ? [low - middleSpread, high + middleSpread] : [low, high];
  const raw = (to - from) / wishedTicks;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= raw * 0.999) ?? 10);
  const first = isRounded ? Math.floor(from / step + 1e-9) : Math.ceil(from / step - 1e-9);
  const last = isRounded ? Math.ceil(to / step - 1e-9) : Math.floor(to / step + 1e-9);
  const ticks = Array.from({ length: last - first + 1 }, (_, at) => {
    const value = (first + at) * step;
    return { value, text: formatTick(value, step) };
  });
  const [start, end] = isRounded ? [first * step, last * step] : [from, to];
  return { ticks, place: (value) => (value - start) / (end - start) };
}

/** Ticks at powers of ten, with 2 and 5 between them when there are few. */
function logAxis([low, high]: [number, number]): Axis {
  const decades = Math.log10(high / low);
  const factors = decades > 3 ? [1] : [1, 2, 5];
  const every = Math.max(1, Math.ceil(decades / 8));
  const values: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    if (power % every === 0) for (const factor of factors) values.push(factor * 10 ** power);
  }
  const start = Math.log10(values.findLast((value) => value <= low * 1.0001) ?? low);
  const end = Math.log10(values.find((value) => value >= high * 0.9999 && Math.log10(value) > start) ?? high);
  const place = (value: number) => (Math.log10(value) - start) / (end - start);
  const ticks = values.filter((value) => place(value) > -1e-9 && place(value) < 1 + 1e-9);
  return { ticks: ticks.map((value) => ({ value, text: formatTick(value, value) })), place };
}

function formatTick(value: number, step: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(1).replace('.0e', 'e').replace('e+', 'e');
  if (size >= 1e3 && step >= 1e3) return `${value / 1000}k`;
  return value.toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
}

function plotX(plot: Plot, value: number): number {
  return MARGIN.left + plot.x.place(value) * (WIDTH - MARGIN.left - MARGIN.right);
}

function plotY(plot: Plot, value: number): number {
  const bottom = HEIGHT - MARGIN.bottom;
  return bottom - plot.y.place(value) * (bottom - plot.top);
}

function axes(plot: Plot, { xLabel, yLabel }: CurvesOptions): string {
  const bottom = HEIGHT - MARGIN.bottom;
  const right = WIDTH - MARGIN.right;
  const parts: string[] = [];
  for (const { value, text: label } of plot.y.ticks) {
    const y = plotY(plot, value);
    parts.push(`<path d="M${MARGIN.left} ${y.toFixed(1)}H${right}" stroke="#e3e3e3"/>`);
    const width = measureText(label, FONT_SIZE);
    parts.push(text(label, MARGIN.left - 8 - width, y + (FONT_SIZE * CAP_HEIGHT) / 2));
  }
  for (const { value, text: label } of plot.x.ticks) {
    const x = plotX(plot, value);
    parts.push(`<path d="M${x.toFixed(1)} ${bottom}v5" stroke="#555"/>`);
    parts.push(text(label, x - measureText(label, FONT_SIZE) / 2, bottom + 21));
  }
  parts.push(`<path d="M${MARGIN.left} ${plot.top}V${bottom}H${right}" stroke="#555" fill="none"/>`);
  if (xLabel !== undefined) {
    const width = measureText(cleanText(xLabel), FONT_SIZE);
    parts.push(text(xLabel, (MARGIN.left + right - width) / 2, HEIGHT - 12));
  }
  if (yLabel !== undefined) {
    const width = measureText(cleanText(yLabel), FONT_SIZE);
    const label = text(yLabel, -width / 2, 0);
    parts.push(`<g transform="translate(20 ${(plot.top + bottom) / 2}) rotate(-90)">${label}</g>`);
  }
  return parts.join('');
}

function curve(points: Series['points'], colour: string, plot: Plot, drawable: (y: number) => boolean): string {
  const stroke = (path: string, extra: string) =>
    `<path d="${path}" fill="none" stroke="${colour}" stroke-linejoin="round" stroke-linecap="round" ${extra}/>`;
  const line = (list: Series['points']) =>
    pathOf(list.map(([x, y]) => (Number.isFinite(x) && drawable(y) ? [plotX(plot, x), plotY(plot, y)] : undefined)));
  if (points.length <= SMOOTH_FROM) {
    return stroke(line(points), `stroke-width="${points.length === 1 ? 7 : 2.2}"`);
  }
  const noisy = stroke(line(points), 'stroke-width="1" stroke-opacity=".3"');
  return noisy + stroke(line(runningMean(points, drawable)), 'stroke-width="2.4"');
}

/** Path data; runs within one pixel column shrink to their first, lowest, highest and last point. */
function pathOf(places: readonly (readonly number[] | undefined)[]): string {
  let path = '';
  let isOpen = false;
  let column: (readonly number[])[] = [];
  const flush = () => {
    if (column.length > 4) {
      const byHeight = [...column].sort((a, b) => a[1] - b[1]);
      column = [column[0], byHeight[0], byHeight[byHeight.length - 1], column[column.length - 1]];
    }
    for (const [x, y] of column) {
      path += `${isOpen ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`;
      // A lone point shows as a dot through its round line caps.
      if (!isOpen) path += 'h0';
      isOpen = true;
    }
    column = [];
  };
  for (const place of places) {
    if (place === undefined || (column.length > 0 && Math.floor(place[0]) !== Math.floor(column[0][0]))) flush();
    if (place === undefined) isOpen = false;
    else column.push(place);
  }
  flush();
  return path;
}

/** Mean over a centred window of drawable values; near the ends the window is cut off. */
function runningMean(points: Series['points'], drawable: (y: number) => boolean): [number, number][] {
  const half = Math.max(2, Math.round((points.length * SMOOTHING_PART) / 2));
  const sums = [0];
  const counts = [0];
  for (const [at, [, y]] of points.entries()) {
    sums.push(sums[at] + (drawable(y) ? y : 0));
    counts.push(counts[at] + (drawable(y) ? 1 : 0));
  }
  return points.map(([x], at) => {
    const from = Math.max(0, at - half);
    const to = Math.min(points.length, at + half + 1);
    return [x, (sums[to] - sums[from]) / (counts[to] - counts[from])];
  });
}

interface LegendEntry {
  readonly name: string;
  readonly index: number;
  readonly x: number;
}

function legendRows(names: readonly string[]): LegendEntry[][] {
  const rows: LegendEntry[][] = [[]];
  let x = MARGIN.left;
  for (const [index, full] of names.entries()) {
    const name = fitText(full, 300, FONT_SIZE);
    const width = 30 + measureText(name, FONT_SIZE) + 22;
    if (x > MARGIN.left && x + width > WIDTH - MARGIN.right) {
      rows.push([]);
      x = MARGIN.left;
    }
    rows[rows.length - 1].push({ name, index, x });
    x += width;
  }
  return rows;
}

function legendEntry({ name, index, x }: LegendEntry, top: number): string {
  const middle = top + LEGEND_ROW / 2;
  return (
    `<path d="M${x.toFixed(1)} ${middle}h22" stroke="${strokeColour(index)}" stroke-width="4" stroke-linecap="round"/>` +
    text(name, x + 30, middle + (FONT_SIZE * CAP_HEIGHT) / 2)
  );
}

function text(content: string, x: number, y: number, size = FONT_SIZE, weight: 'regular' | 'bold' = 'regular'): string {
  return `<path d="${textOutline(cleanText(content), x, y, size, weight)}" fill="#222"/>`;
}
