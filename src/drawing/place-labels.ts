/**
 * Where labels go so that none hides another.
 *
 * Each label tries places on the rim of its box (outside first, then inside), then places farther away on rings around
 * the box, joined to it by a leader line. Among the free places the cheapest wins: near its box, hiding little of any
 * box. A label for which no place is free is left out; its box keeps its colour.
 */

/** An upright rectangle in drawing pixels. */
export interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface LabelRequest {
  readonly box: Rectangle;
  readonly width: number;
  readonly height: number;
  /** Whether the label may stand away from its box, with a leader line. */
  readonly mayLeave: boolean;
}

export interface PlacedLabel extends Rectangle {
  /** From the label to its box, when they do not touch. */
  readonly leader?: { readonly fromX: number; readonly fromY: number; readonly toX: number; readonly toY: number };
}

interface Candidate {
  readonly left: number;
  readonly top: number;
  readonly cost: number;
}

/** Rings are tried up to this many label heights away; farther, a leader is no longer followed by the eye. */
const FARTHEST_RING = 7;
const RING_DIRECTIONS = 16;
/** Cost of hiding one whole small box, against 1 per label height of distance. */
const HIDING_COST = 3;

/**
 * Places labels in order: earlier ones choose first. `gap` is kept between labels.
 * @returns one entry per request; `undefined` where no place was free
 */
export function placeLabels(
  requests: readonly LabelRequest[],
  canvas: { readonly width: number; readonly height: number },
  gap = 1,
): (PlacedLabel | undefined)[] {
  const placed: Rectangle[] = [];
  return requests.map((request) => {
    let best: { place: Rectangle; cost: number } | undefined;
    for (const candidate of candidatesFor(request)) {
      if (best !== undefined && candidate.cost >= best.cost) continue;
      const place = intoCanvas(candidate, request, canvas);
      if (place === undefined || placed.some((other) => overlaps(place, other, gap))) continue;
      const moved = Math.hypot(place.left - candidate.left, place.top - candidate.top) / request.height;
      const cost = candidate.cost + 0.3 * moved + HIDING_COST * hiddenBoxes(place, request, requests);
      if (best === undefined || cost < best.cost) best = { place, cost };
    }
    if (best === undefined) return undefined;
    placed.push(best.place);
    return withLeader(best.place, request);
  });
}

/** Places by rising cost: the rim, then rings. Costs are in label heights. */
function candidatesFor({ box, width, height, mayLeave }: LabelRequest): Candidate[] {
  const middle = (box.left + box.right - width) / 2;
  const rim: Candidate[] = [
    { left: box.left, top: box.top - height, cost: 0 },
    { left: box.left, top: box.top, cost: 0.3 },
    { left: box.left, top: box.bottom, cost: 0.4 },
    { left: box.right - width, top: box.top - height, cost: 0.4 },
    { left: box.left, top: box.bottom - height, cost: 0.5 },
    { left: box.right - width, top: box.top, cost: 0.6 },
    { left: box.right - width, top: box.bottom, cost: 0.6 },
    { left: box.right - width, top: box.bottom - height, cost: 0.7 },
    { left: box.right, top: box.top, cost: 0.7 },
    { left: box.left - width, top: box.top, cost: 0.8 },
    { left: middle, top: box.top - height, cost: 0.8 },
    { left: middle, top: box.bottom, cost: 0.9 },
  ];
  if (!mayLeave) return rim;
  for (let ring = 1; ring <= FARTHEST_RING; ring++) {
    for (let direction = 0; direction < RING_DIRECTIONS; direction++) {
      const angle = ((direction + (ring % 2) / 2) * 2 * Math.PI) / RING_DIRECTIONS - Math.PI / 2;
      const reachX = (box.right - box.left) / 2 + width / 2 + ring * height;
      const reachY = (box.bottom - box.top) / 2 + height / 2 + ring * height * 0.8;
      const centerX = (box.left + box.right) / 2 + reachX * Math.cos(angle);
      const centerY = (box.top + box.bottom) / 2 + reachY * Math.sin(angle);
      rim.push({ left: centerX - width / 2, top: centerY - height / 2, cost: 1.5 + ring });
    }
  }
  return rim;
}

/**
 * Slides a candidate into the canvas; undefined if the label is larger than the canvas or lies a whole height outside.
 */
function intoCanvas(
  { left, top }: Candidate,
  { width, height }: LabelRequest,
  canvas: { readonly width: number; readonly height: number },
): Rectangle | undefined {
  if (width > canvas.width || height > canvas.height) return undefined;
  const insideLeft = Math.min(Math.max(left, 0), canvas.width - width);
  const insideTop = Math.min(Math.max(top, 0), canvas.height - height);
  if (Math.abs(insideTop - top) > 0.9 * height) return undefined;
  return { left: insideLeft, top: insideTop, right: insideLeft + width, bottom: insideTop + height };
}

function overlaps(a: Rectangle, b: Rectangle, gap: number): boolean {
  return a.left < b.right + gap && b.left < a.right + gap && a.top < b.bottom + gap && b.top < a.bottom + gap;
}

/** How much of the boxes a place hides: of each, the part of its area, and a little for crossing another's outline. */
function hiddenBoxes(place: Rectangle, own: LabelRequest, requests: readonly LabelRequest[]): number {
  let hidden = 0;
  for (const { box } of requests) {
    const width = Math.min(place.right, box.right) - Math.max(place.left, box.left);
    const height = Math.min(place.bottom, box.bottom) - Math.max(place.top, box.top);
    if (width <= 0 || height <= 0) continue;
    hidden += (width * height) / Math.max((box.right - box.left) * (box.bottom - box.top), 1);
    const isInside =
      place.left > box.left && place.right < box.right && place.top > box.top && place.bottom < box.bottom;
    if (!isInside && box !== own.box) hidden += 0.1;
  }
  return hidden;
}

function withLeader(place: Rectangle, { box }: LabelRequest): PlacedLabel {
  const toX = Math.min(Math.max((place.left + place.right) / 2, box.left), box.right);
  const toY = Math.min(Math.max((place.top + place.bottom) / 2, box.top), box.bottom);
  const fromX = Math.min(Math.max(toX, place.left), place.right);
  const fromY = Math.min(Math.max(toY, place.top), place.bottom);
  return Math.hypot(toX - fromX, toY - fromY) < 2 ? place : { ...place, leader: { fromX, fromY, toX, toY } };
}
