import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LabelRequest, type PlacedLabel, placeLabels } from './place-labels.ts';

const canvas = { width: 400, height: 300 };
const request: fc.Arbitrary<LabelRequest> = fc
  .record({
    x: fc.integer({ min: 0, max: 380 }),
    y: fc.integer({ min: 0, max: 280 }),
    boxWidth: fc.integer({ min: 0, max: 200 }),
    boxHeight: fc.integer({ min: 0, max: 200 }),
    width: fc.integer({ min: 10, max: 120 }),
    mayLeave: fc.boolean(),
  })
  .map(({ x, y, boxWidth, boxHeight, width, mayLeave }) => ({
    box: { left: x, top: y, right: Math.min(400, x + boxWidth), bottom: Math.min(300, y + boxHeight) },
    width,
    height: 15,
    mayLeave,
  }));

function isApart(a: PlacedLabel, b: PlacedLabel): boolean {
  return a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
}

describe('placeLabels', () => {
  it('never lets one label hide another or leave the canvas, and leads every far one to its box', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 60 }), (requests) => {
        const places = placeLabels(requests, canvas);
        expect(places.length).toBe(requests.length);
        for (const [at, place] of places.entries()) {
          if (place === undefined) continue;
          expect(place.left >= 0 && place.top >= 0 && place.right <= 400 && place.bottom <= 300).toBe(true);
          expect(place.right - place.left).toBeCloseTo(requests[at].width, 6);
          for (const other of places.slice(at + 1)) if (other !== undefined) expect(isApart(place, other)).toBe(true);
          const { box, mayLeave } = requests[at];
          const isTouching =
            place.left < box.right + 2 &&
            place.right > box.left - 2 &&
            place.top < box.bottom + 2 &&
            place.bottom > box.top - 2;
          if (!isTouching) expect(place.leader).toBeDefined();
          if (!mayLeave) expect(place.leader).toBeUndefined();
        }
      }),
      { numRuns: 60 },
    );
  });

  it('puts a lone label on top of its box, or inside when the box reaches the top', () => {
    const label = { width: 50, height: 15, mayLeave: true };
    const [above] = placeLabels([{ ...label, box: { left: 60, top: 80, right: 200, bottom: 200 } }], canvas);
    expect(above).toEqual({ left: 60, top: 65, right: 110, bottom: 80 });
    const [inside] = placeLabels([{ ...label, box: { left: 60, top: 2, right: 200, bottom: 298 } }], canvas);
    expect(inside).toMatchObject({ left: 60, top: 0, bottom: 15 });
  });

  it('places 40 labels on one spot around it, and leaves out what has no room', () => {
    const box = { left: 190, top: 140, right: 210, bottom: 160 };
    const crowd = Array.from({ length: 40 }, () => ({ box: { ...box }, width: 60, height: 15, mayLeave: true }));
    const placed = placeLabels(crowd, canvas).filter((place) => place !== undefined);
    expect(placed.length).toBeGreaterThan(15);
    expect(placeLabels([{ box, width: 500, height: 15, mayLeave: true }], canvas)).toEqual([undefined]);
  });
});
