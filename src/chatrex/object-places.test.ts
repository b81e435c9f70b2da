import { expect, test } from 'vitest';
import { createScope } from '../nn/scope.ts';
import { roiOutputSize } from '../objects/object-encoder.ts';
import { objectFeeds } from '../objects/object-inputs.ts';
import { Session } from '../runtime/session.ts';
import { graphOf } from '../tensor/graph.ts';
import { filled } from '../tensor/ops/constant.ts';
import { initializeParameters, storedParameters } from '../training/parameters.ts';
import { chatRexPresets, finestMapSize } from './config.ts';
import { chatRexVision } from './network.ts';
import { visionInputs } from './vision-encoder.ts';

test('places are read by one map and chosen by another', async () => {
  const config = chatRexPresets.nano;
  const { objects } = visionInputs(config, { batch: 1, boxes: 2 });
  const side = finestMapSize(config);
  const maps = config.high.dims.map((channels, level) =>
    filled('float32', [1, channels, side / 2 ** level, side / 2 ** level], 1),
  );
  const tokens = chatRexVision(createScope(), config).objectTokens({ low: maps[0], maps, predictions: [] }, objects);
  const outputs = { content: tokens.content, read: tokens.read, choice: tokens.choice };
  const parameters = initializeParameters(graphOf(outputs).parameters.values(), 1);
  const silenced = [...parameters.keys()].filter((name) => name.includes('place.choice'));
  expect(silenced).toHaveLength(1);
  parameters.get(silenced[0])?.data.fill(0);
  const session = await Session.create(outputs, storedParameters(parameters));
  const map = { height: side, width: side, spatialScale: 1 / 4, outputSize: roiOutputSize };
  const results = await session.run({ ...objectFeeds([Float32Array.of(10, 10, 60, 60, 90, 20, 200, 90)], map) });
  await session.dispose();
  expect(results.choice.data).toEqual(results.content.data);
  expect(results.read.data).not.toEqual(results.content.data);
});
