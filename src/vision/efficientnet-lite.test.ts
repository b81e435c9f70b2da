/** The second encoder of `models/photo`, against what PyTorch makes of the original. */

import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { lowEncoder } from '../chatrex/network.ts';
import { modelFolder } from '../chatrex.ts';
import { createScope } from '../nn/scope.ts';
import { patternedSquare } from '../proposals/nanodet/testing/bundled.ts';
import { hostTensor } from '../runtime/host-tensor.ts';
import { Session } from '../runtime/session.ts';
import { graphOf } from '../tensor/graph.ts';
import { input } from '../tensor/ops/input.ts';
import { openCheckpoint } from '../weights/checkpoint.ts';
import { storedWeights } from '../weights/storage.ts';
import { efficientNetLite, efficientNetLitePresets, efficientNetLiteTokens } from './efficientnet-lite.ts';

const fixture = new URL('../../fixtures/photo/efficientnet-lite2.json', import.meta.url);

test('the bundled weights give the tokens of the original', async () => {
  const { side, step, tokens } = JSON.parse(await readFile(fixture, 'utf8'));
  const config = { ...efficientNetLitePresets['efficientnet-lite2'], imageSize: side };
  const scope = createScope().at(lowEncoder);
  const outputs = { tokens: efficientNetLite(scope, config)(input('images', 'float32', [1, 3, side, side])) };
  const file = await openCheckpoint(modelFolder('photo'));
  const tensors = new Map([...file.tensors].filter(([name]) => name.startsWith(lowEncoder)));
  const weights = storedWeights([...graphOf(outputs).parameters.values()], tensors);
  const session = await Session.create(outputs, weights, { threads: 1 });
  const found = await session.run({ images: hostTensor('float32', [1, 3, side, side], patternedSquare(side)) });
  await session.dispose();
  expect(found.tokens.shape).toEqual([1, efficientNetLiteTokens(config), 1280]);
  const values = found.tokens.data as Float32Array;
  // The weights are stored in half precision, 64 layers of them; in single precision the largest difference is 2.7e-5.
  const size = (numbers: readonly number[]) => Math.sqrt(numbers.reduce((sum, value) => sum + value ** 2, 0));
  const differences = tokens.map((value: number, i: number) => value - values[i * step]);
  expect(size(differences) / size(tokens)).toBeLessThan(0.02);
  expect(tokens.filter((value: number) => value > 0).length).toBeGreaterThan(20);
});
