import { expect, test } from 'vitest';
import { ChatRexError } from '../errors.ts';
import { DivergenceWatch } from './divergence.ts';

test('a loss that is not a number ends the run and says where to start again', () => {
  const watch = new DivergenceWatch('runs/upn', 0);
  watch.look(6, 890, 12, 1e-3);
  expect(() => watch.look(7, Number.NaN, 3, 1e-3)).toThrow(
    /loss NaN .* at step 7 \(learning rate 0.0010\); there is no/,
  );
  watch.savedStep = 5;
  expect(() => watch.look(8, Number.POSITIVE_INFINITY, 3, 1e-3)).toThrow(/runs\/upn is of step 5; .* --from runs\/upn/);
});

test('one gradient that overflows is skipped, five in a row end the run', () => {
  const watch = new DivergenceWatch('run', 0);
  for (let step = 1; step < 5; step++) watch.look(step, 1, Number.NaN, 1);
  expect(watch.isSound).toBe(false);
  watch.look(5, 1, 1, 1);
  expect(watch.isSound).toBe(true);
  for (let step = 6; step < 10; step++) watch.look(step, 1, Number.NaN, 1);
  expect(() => watch.look(10, 1, Number.NaN, 1)).toThrow(/5 steps in a row/);
});

test('a step that could not be computed because of it gets the same advice', () => {
  const watch = new DivergenceWatch('run', 0);
  const error = watch.wrap(1, new ChatRexError('diverged', 'the logits are not all finite numbers'));
  expect(error).toMatchObject({ code: 'diverged' });
  expect((error as Error).message).toMatch(/not all finite numbers at step 2; .*lower learningRate/);
  const other = new Error('else');
  expect(watch.wrap(1, other)).toBe(other);
});
