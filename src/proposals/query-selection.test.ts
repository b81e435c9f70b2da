import { expect, test } from 'vitest';
import { createScope } from '../nn/scope.ts';
import { Session } from '../runtime/session.ts';
import { graphOf } from '../tensor/graph.ts';
import { filled } from '../tensor/ops/constant.ts';
import { initializeParameters, storedParameters } from '../training/parameters.ts';
import type { FeatureSequence } from './feature-levels.ts';
import { querySelection } from './query-selection.ts';
import { tinyConfig } from './testing/patterned.ts';

/** Which tokens of one row of `width` have a first box. */
async function candidates(width: number): Promise<boolean[]> {
  const { hiddenSize } = tinyConfig;
  const sequence = {
    grids: [{ height: 1, width }],
    valid: filled('float32', [1, width], 1),
    validRatios: filled('float32', [1, 1, 2], 1),
  } as unknown as FeatureSequence;
  const selection = querySelection(createScope(), tinyConfig);
  const { proposals } = selection.prepare(filled('float32', [1, width, hiddenSize], 1), sequence);
  const session = await Session.create(
    { proposals },
    storedParameters(initializeParameters(graphOf({ proposals }).parameters.values(), 1)),
  );
  const { data } = (await session.run({})).proposals;
  await session.dispose();
  return Array.from({ length: width }, (_, token) => Number.isFinite(Number(data[4 * token])));
}

test('first boxes whose centre is within a hundredth of the border are left out, as in the official code', async () => {
  // Half a token of 40 is .0125 of the image, of 64 it is .0078.
  expect(await candidates(40)).toEqual(Array(40).fill(true));
  expect(await candidates(64)).toEqual([false, ...Array(62).fill(true), false]);
});
