/**
 * Models that write coordinates fall into loops (appendix A.2 of the paper): the same box again and again, or each box
 * the one before moved by a fixed step, until the answer is as long as it may be. Finds such runs in one answer.
 */

import type { BoxXyxy } from '../../boxes/box.ts';
import { boxesInText, type CoordinateFrame } from './coordinates.ts';
import { findObjects } from './lenient-objects.ts';

export type RunKind = 'same' | 'stepping';

/** Boxes that follow each other: `from` to `to` (exclusive) of an answer. */
export interface BoxRun {
  readonly kind: RunKind;
  readonly from: number;
  readonly to: number;
  /** How far each box lies from the one before, in the answer's own units; [0, 0] of the same box. */
  readonly step: readonly [x: number, y: number];
}

export interface AnswerRepetition {
  readonly boxes: readonly BoxXyxy[];
  /** One run does not overlap another. */
  readonly runs: readonly BoxRun[];
  /** Whether the text itself ends in a loop of 100 characters, as VLMEvalKit's detect_repetition finds it. */
  readonly isTextLoop: boolean;
  /** Whether the answer ends inside an object or a box. */
  readonly isCut: boolean;
}

/** Fewer alike may be real things: two overlapping boxes, three windows in a row. */
export const shortestRun = 4;

/** Steps and sizes are whole numbers that were rounded: they may differ by this share of the largest coordinate. */
const tolerance = 1e-3;

/** Boxes of an answer in the order of its text, and the runs among them. */
export function findRepetition(text: string): AnswerRepetition {
  const { objects, isCut } = findObjects(text);
  const boxes = objects.length > 0 ? objects.flatMap((object) => object.boxes) : boxesInText(text);
  const endsInBox = /\[[^\]]*$/.test(text.slice(-200)) && !text.trimEnd().endsWith(']');
  return { boxes, runs: findRuns(boxes), isTextLoop: isTextLoop(text), isCut: isCut || endsInBox };
}

/** Runs of at least `shortestRun` boxes, from the first to the last, each as long as it can be. */
export function findRuns(boxes: readonly BoxXyxy[], shortest = shortestRun): BoxRun[] {
  const largest = Math.max(1, ...boxes.flat().map(Math.abs));
  // Shares of an image have steps below 1; whole numbers may be one off.
  const slack = tolerance * (largest <= 1.5 ? 1.5 : Math.max(largest, 1000));
  const runs: BoxRun[] = [];
  for (let from = 0; from + shortest <= boxes.length; ) {
    const step = stepOf(boxes[from], boxes[from + 1], slack);
    let to = from + 1;
    while (step && to < boxes.length && isStep(boxes[to - 1], boxes[to], step, slack)) to++;
    if (step && to - from >= shortest) {
      const usual = usualStep(boxes.slice(from, to));
      runs.push({ kind: usual[0] === 0 && usual[1] === 0 ? 'same' : 'stepping', from, to, step: usual });
      from = to;
    } else from++;
  }
  return runs;
}

/** The step that most boxes of a run take. */
function usualStep(boxes: readonly BoxXyxy[]): [x: number, y: number] {
  const times = new Map<string, { step: [number, number]; count: number }>();
  for (let i = 1; i < boxes.length; i++) {
    const step: [number, number] = [boxes[i][0] - boxes[i - 1][0], boxes[i][1] - boxes[i - 1][1]];
    // Differences of decimals have digits of their own far behind.
    const key = step.map((part) => part.toFixed(6)).join(' ');
    const known = times.get(key);
    if (known) known.count++;
    else times.set(key, { step, count: 1 });
  }
  return [...times.values()].reduce((best, one) => (one.count > best.count ? one : best)).step;
}

/** How far the second box lies from the first, when both are equally large. */
function stepOf(a: BoxXyxy, b: BoxXyxy, slack: number): [x: number, y: number] | undefined {
  const isSame = a.every((value, i) => value === b[i]);
  if (isSame) return [0, 0];
  const step: [number, number] = [b[0] - a[0], b[1] - a[1]];
  const isMoved = Math.abs(b[2] - a[2] - step[0]) <= slack && Math.abs(b[3] - a[3] - step[1]) <= slack;
  // A step within the rounding is none that one can see.
  return isMoved && Math.max(...step.map(Math.abs)) > 2 * slack ? step : undefined;
}

function isStep(a: BoxXyxy, b: BoxXyxy, [x, y]: readonly [number, number], slack: number): boolean {
  if (x === 0 && y === 0) return a.every((value, i) => value === b[i]);
  return [x, y, x, y].every((step, i) => Math.abs(b[i] - a[i] - step) <= slack);
}

const segmentLength = 100;
const fewestSegments = 20;

/** The last 100 characters at least 20 times in the second half, at intervals that are mostly alike (VLMEvalKit). */
function isTextLoop(answer: string): boolean {
  const text = answer.trim();
  if (text.length < segmentLength * fewestSegments) return false;
  const segment = text.slice(-segmentLength);
  const places: number[] = [];
  const half = text.slice(Math.floor(text.length / 2));
  for (let at = half.indexOf(segment); at >= 0; at = half.indexOf(segment, at + segmentLength)) places.push(at);
  if (places.length < fewestSegments) return false;
  const intervals = new Map<number, number>();
  for (let i = 1; i < places.length; i++) {
    const interval = places[i] - places[i - 1];
    intervals.set(interval, (intervals.get(interval) ?? 0) + 1);
  }
  const mostCommon = [...intervals.values()].sort((a, b) => b - a).slice(0, 3);
  return mostCommon.reduce((sum, count) => sum + count, 0) / (places.length - 1) > 0.8;
}

/** What the numbers of an answer most likely are, for drawing them. */
export function drawnFrame(boxes: readonly BoxXyxy[]): CoordinateFrame {
  const largest = Math.max(0, ...boxes.flat());
  if (largest <= 1.5) return 'shares';
  return largest <= 1000 ? 'thousandths' : 'pixels';
}
