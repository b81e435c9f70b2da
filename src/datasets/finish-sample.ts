/** Makes samples of drafts: boxes are clipped and checked, and what refers to a region that is left out is mended. */

import type { BoxXyxy } from '../boxes/box.ts';
import type { GroundedText, Span } from '../grounding/grounded-text.ts';
import type { ImageSize } from '../image/rgb-image.ts';
import { type Fault, shownValue } from './faults.ts';
import type { DraftRegion, DraftSample } from './reader.ts';
import type { Conversation, Coverage, Phrase, Region, Sample } from './sample.ts';

/** Coordinates are often rounded; only what reaches out by this many pixels is reported. */
const tolerancePixels = 1;

/** The sample of a draft. Where the size of its image is unknown, boxes are clipped at zero alone. */
export function finishSample(draft: DraftSample, report: (fault: Fault) => void): Sample {
  const size = draft.image?.size;
  const { id, image, phrases, conversations, coverage, boxUnit } = draft;
  const drafts = draft.regions;
  const boxes = drafts.map((region) =>
    boxOf(region, boxUnit ?? 'pixel', size, { sample: id, report, mayReachOut: draft.mayReachOut ?? false }),
  );
  const newIndex = renumber(boxes);
  const regions: Region[] = [];
  const lostCategories = new Set<string>();
  const seen = new Set<string>();
  for (const [index, { boxXyxy: _1, boxXywh: _2, partOf, ...region }] of drafts.entries()) {
    const box = boxes[index];
    if (box === undefined) {
      if (region.category !== undefined) lostCategories.add(region.category);
      continue;
    }
    const key = `${box} ${region.category ?? ''} ${region.isIgnored ?? false}`;
    if (seen.has(key))
      report({ kind: 'duplicate-region', sample: id, source: region.sourceId, value: shownValue(box) });
    seen.add(key);
    const owner = partOf === undefined ? undefined : newIndex[partOf];
    regions.push({ boxXyxy: box, ...region, ...(owner !== undefined && { partOf: owner }) });
  }
  const hasLost = regions.length < drafts.length;
  return {
    id,
    ...(image !== undefined && { image }),
    regions,
    phrases: hasLost ? keptPhrases(phrases, newIndex, id, report) : phrases,
    conversations: hasLost ? keptConversations(conversations, newIndex, id, report) : conversations,
    coverage: withPartial(coverage, lostCategories),
  };
}

/** Place of each region among those that are kept; undefined for the others. */
function renumber(boxes: readonly (BoxXyxy | undefined)[]): (number | undefined)[] {
  let next = 0;
  return boxes.map((box) => (box === undefined ? undefined : next++));
}

interface BoxReport {
  readonly sample: string;
  readonly mayReachOut: boolean;
  report(fault: Fault): void;
}

function boxOf(
  region: DraftRegion,
  unit: 'pixel' | 'share',
  size: ImageSize | undefined,
  { sample, report, mayReachOut }: BoxReport,
): BoxXyxy | undefined {
  const given = region.boxXyxy ?? region.boxXywh;
  const fault = { sample, source: region.sourceId, value: typeof given === 'string' ? given : shownValue(given) };
  if (!isFourNumbers(given)) return void report({ kind: 'bad-box', ...fault });
  if (unit === 'share' && size === undefined) {
    return void report({ kind: 'bad-box', ...fault, value: `${fault.value} is a share of an image of unknown size` });
  }
  const [scaleX, scaleY] = unit === 'share' && size ? [size.width, size.height] : [1, 1];
  const [a, b, c, d] = [given[0] * scaleX, given[1] * scaleY, given[2] * scaleX, given[3] * scaleY];
  const [left, top, right, bottom] = region.boxXyxy === undefined ? [a, b, a + c, b + d] : [a, b, c, d];
  if (right < left || bottom < top) return void report({ kind: 'bad-box', ...fault });
  if (right === left || bottom === top) return void report({ kind: 'no-area', ...fault });
  const { width, height } = size ?? { width: Number.POSITIVE_INFINITY, height: Number.POSITIVE_INFINITY };
  const clipped: BoxXyxy = [Math.max(0, left), Math.max(0, top), Math.min(width, right), Math.min(height, bottom)];
  if (clipped[2] <= clipped[0] || clipped[3] <= clipped[1]) return void report({ kind: 'box-outside', ...fault });
  const excess = Math.max(-left, -top, right - width, bottom - height);
  if (excess >= tolerancePixels && !mayReachOut) report({ kind: 'box-clipped', ...fault });
  return clipped;
}

/** Whether a value is four finite numbers. */
export function isFourNumbers(value: unknown): value is readonly [number, number, number, number] {
  return Array.isArray(value) && value.length === 4 && value.every((side) => Number.isFinite(side));
}

/** A phrase that meant regions must not turn into one that says that nothing is there. */
function keptPhrases(
  phrases: readonly Phrase[],
  newIndex: readonly (number | undefined)[],
  sample: string,
  report: (fault: Fault) => void,
): Phrase[] {
  return phrases.flatMap((phrase) => {
    const regions = phrase.regions.flatMap((index) => newIndex[index] ?? []);
    if (regions.length > 0 || phrase.regions.length === 0) return [{ ...phrase, regions }];
    report({ kind: 'lost-reference', sample, value: phrase.text });
    return [];
  });
}

/** A conversation that mentions a region which is left out cannot be understood. */
function keptConversations(
  conversations: readonly Conversation[],
  newIndex: readonly (number | undefined)[],
  sample: string,
  report: (fault: Fault) => void,
): Conversation[] {
  return conversations.flatMap((conversation) => {
    const turns = conversation.turns.flatMap((turn) => {
      const question = renumberText(turn.question, newIndex);
      const answer = renumberText(turn.answer, newIndex);
      return question && answer ? [{ ...turn, question, answer }] : [];
    });
    if (turns.length === conversation.turns.length) return [{ ...conversation, turns }];
    report({ kind: 'lost-reference', sample, value: `a conversation of ${conversation.turns.length} turns` });
    return [];
  });
}

function renumberText(text: GroundedText, newIndex: readonly (number | undefined)[]): GroundedText | undefined {
  const spans: Span[] = [];
  for (const span of text) {
    if (span.kind === 'text') {
      spans.push(span);
      continue;
    }
    const objects = span.objects.flatMap((index) => newIndex[index] ?? []);
    if (objects.length < span.objects.length) return undefined;
    spans.push({ ...span, objects });
  }
  return spans;
}

/** There is more of a category than is annotated where one of its boxes could not be read. */
function withPartial(coverage: Coverage, lost: ReadonlySet<string>): Coverage {
  if (lost.size === 0) return coverage;
  return { ...coverage, partialCategories: [...new Set([...(coverage.partialCategories ?? []), ...lost])] };
}
