/** Random boxes for property tests: overlapping often, some empty, scores with ties. */

import fc from 'fast-check';

/** One box as [left, top, width, height] in pixels, on a small canvas so that boxes meet. */
const boxXywh = fc.tuple(
  fc.float({ min: -20, max: 100, noNaN: true }),
  fc.float({ min: -20, max: 100, noNaN: true }),
  fc.oneof(fc.constant(0), fc.float({ min: 1, max: 80, noNaN: true })),
  fc.oneof(fc.constant(0), fc.float({ min: 1, max: 80, noNaN: true })),
);

/** [N,4] xyxy pixels, N from 0 to 30. */
export function boxesXyxy(): fc.Arbitrary<Float32Array> {
  return fc
    .array(boxXywh, { maxLength: 30 })
    .map((boxes) => new Float32Array(boxes.flatMap(([x, y, width, height]) => [x, y, x + width, y + height])));
}

/** The same with a score for each box. */
export function scoredBoxes(): fc.Arbitrary<{ boxes: Float32Array; scores: number[] }> {
  return boxesXyxy().chain((boxes) =>
    fc.record({
      boxes: fc.constant(boxes),
      scores: fc.array(
        fc.integer({ min: 0, max: 10 }).map((score) => score / 10),
        {
          minLength: boxes.length / 4,
          maxLength: boxes.length / 4,
        },
      ),
    }),
  );
}
