/**
 * Boxes as other models write them, per query. Formats: JSON of Qwen3-VL (0 to 1000) and of detectors behind a chat
 * endpoint (pixels: Grounding DINO, DINO-X and their kin), and the box tokens of Rex-Omni (0 to 999) and LocateAnything
 * (0 to 1000).
 */

import type { BoxXyxy } from '../../boxes/box.ts';
import type { ImageSize } from '../../image/rgb-image.ts';
import { CallError } from './errors.ts';
import type { GroundedBox } from './roles.ts';

export const groundingFormats = ['qwen3-vl', 'pixels', 'rex-omni', 'locate-anything'] as const;
export type GroundingFormat = (typeof groundingFormats)[number];

/** Raise it when an answer would be read in another way. */
export const groundingParser = 'boxes/1';

/** No image has more things that a phrase means; a model that repeats itself is cut off. */
const maxBoxes = 1000;

/** Which format a model answers in, by its name. */
export function formatOf(model: string): GroundingFormat {
  const name = model.toLowerCase();
  if (name.includes('rex-omni') || name.includes('rexomni')) return 'rex-omni';
  if (name.includes('locateanything') || name.includes('locate-anything')) return 'locate-anything';
  if (name.includes('dino') || name.includes('qwen2.5-vl') || name.includes('owl')) return 'pixels';
  return 'qwen3-vl';
}

/**
 * @returns boxes in pixels for each query, in the order of the queries
 * @throws CallError 'unreadable' when the answer is neither of the format nor a plain denial
 */
export function readBoxes(
  answer: string,
  format: GroundingFormat,
  queries: readonly string[],
  size: ImageSize,
): GroundedBox[][] {
  const named = format === 'rex-omni' || format === 'locate-anything' ? readTokens(answer, format) : readJson(answer);
  const scale = scaleOf(format, size);
  const boxes = queries.map((): GroundedBox[] => []);
  for (const { label, box, score } of named.slice(0, maxBoxes)) {
    const at = queryOf(label, queries);
    if (at === undefined) continue;
    const [left, top, right, bottom] = box.map(
      (value, side) => (value * (side % 2 === 0 ? scale.width : scale.height)) / scale.whole,
    );
    boxes[at].push({ boxXyxy: [left, top, right, bottom], score });
  }
  return boxes;
}

/** What coordinates are shares of, and the sides that they are shares of. */
function scaleOf(format: GroundingFormat, { width, height }: ImageSize) {
  if (format === 'pixels') return { whole: 1, width: 1, height: 1 };
  return { whole: format === 'rex-omni' ? 999 : 1000, width, height };
}

interface NamedBox {
  readonly label: string;
  readonly box: BoxXyxy;
  readonly score: number;
}

/** The query that a label means: the same words, or else the longest query that holds it or that it holds. */
function queryOf(label: string, queries: readonly string[]): number | undefined {
  if (queries.length === 1 && label === '') return 0;
  const plain = (text: string) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, ' ')
      .trim();
  const wanted = plain(label);
  if (wanted === '') return undefined;
  const spelled = queries.map(plain);
  const exact = spelled.indexOf(wanted);
  if (exact >= 0) return exact;
  const holds = (a: string, b: string) => ` ${a} `.includes(` ${b} `);
  const near = [...spelled.keys()].filter((at) => holds(spelled[at], wanted) || holds(wanted, spelled[at]));
  return near.sort((a, b) => spelled[b].length - spelled[a].length)[0];
}

/**
 * `<|object_ref_start|>cat<|object_ref_end|><|box_start|><1><2><3><4>, ...<|box_end|>`,
 * `<ref>cat</ref><box><1><2><3><4></box>`.
 */
function readTokens(answer: string, format: GroundingFormat): NamedBox[] {
  const named: NamedBox[] = [];
  const groups =
    format === 'rex-omni'
      ? /<\|object_ref_start\|>([\s\S]*?)<\|object_ref_end\|>\s*<\|box_start\|>([\s\S]*?)(?:<\|box_end\|>|$)/g
      : /<ref>([\s\S]*?)<\/ref>\s*((?:\s*,?\s*<box>[\s\S]*?(?:<\/box>|$))*)/g;
  for (const [, label, list] of answer.matchAll(groups)) {
    for (const [, left, top, right, bottom] of list.matchAll(
      /<(\d{1,4})>\s*<(\d{1,4})>\s*<(\d{1,4})>\s*<(\d{1,4})>/g,
    )) {
      named.push({ label, box: [Number(left), Number(top), Number(right), Number(bottom)], score: 1 });
    }
  }
  if (named.length === 0 && !isDenial(answer)) {
    throw new CallError(
      'unreadable',
      `no boxes in the answer "${answer.slice(0, 40)}": does the endpoint strip special tokens (skip_special_tokens)?`,
    );
  }
  return named;
}

function readJson(answer: string): NamedBox[] {
  const objects = jsonObjects(answer);
  const named = objects.flatMap(boxesOf);
  if (named.length === 0 && objects.length === 0 && !/\[\s*\]/.test(answer) && !isDenial(answer)) {
    throw new CallError('unreadable', `expected a JSON list of boxes, came "${answer.trim().slice(0, 40)}"`);
  }
  return named;
}

/** All complete objects in a text, in order: a list that was cut off keeps what came before the cut. */
function jsonObjects(text: string): Record<string, unknown>[] {
  const objects: Record<string, unknown>[] = [];
  // Objects of boxes hold objects at most one deep ({"bbox": {"xmin": ...}}).
  for (const [source] of text.matchAll(/\{(?:[^{}]|\{[^{}]*\})*\}/g)) {
    const parsed = tryJson(source) ?? tryJson(source.replace(/'/g, '"'));
    if (parsed !== undefined) objects.push(parsed);
  }
  return objects;
}

function tryJson(source: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(source) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function boxesOf(object: Record<string, unknown>): NamedBox[] {
  const label = String(object.label ?? object.name ?? object.phrase ?? object.class ?? object.category ?? '');
  const score = Number(object.score ?? object.confidence ?? 1);
  const raw = object.bbox_2d ?? object.bbox ?? object.box ?? object.rect ?? object.boxes;
  const lists = Array.isArray(raw) && Array.isArray(raw[0]) ? raw : [raw];
  return lists.flatMap((list) => {
    const box = numbersOf(list);
    return box ? [{ label, box, score: Number.isFinite(score) ? Math.min(1, Math.max(0, score)) : 1 }] : [];
  });
}

function numbersOf(box: unknown): BoxXyxy | undefined {
  const corners = ['xmin', 'ymin', 'xmax', 'ymax'];
  const list = Array.isArray(box)
    ? box
    : box !== null && typeof box === 'object'
      ? corners.map(
          (key) => (box as Record<string, unknown>)[key] ?? (box as Record<string, unknown>)[key.replace(/(.)/, '$1_')],
        )
      : [];
  const numbers = list.map(Number);
  return numbers.length === 4 && numbers.every(Number.isFinite) ? (numbers as unknown as BoxXyxy) : undefined;
}

function isDenial(answer: string): boolean {
  return /\b(?:none|no (?:such|objects?|instances?)|not (?:in|visible|present|found)|cannot find)\b/i.test(answer);
}
