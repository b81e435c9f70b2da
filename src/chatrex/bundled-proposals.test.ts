/** The bundled model speaks about the boxes that its configuration and its network ask for. */

import { expect, test } from 'vitest';
import { ChatRex } from '../chatrex.ts';
import { Upn } from '../proposals/upn.ts';

const scene = new URL('../../models/nano/example/scene.png', import.meta.url).pathname;

test('proposals are those of the configuration, and a network has a least score of its own', async () => {
  const [model, upn] = [await ChatRex.load('nano'), await Upn.load('nano')];
  const { boxes } = await model.encode(scene);
  const [wished] = await upn.propose([scene], model.proposals);
  expect([...boxes.boxesXyxy].map(Math.fround)).toEqual([...wished.boxesXyxy]);
  const [own] = await upn.propose([scene]);
  const [stricter] = await upn.propose([scene], { minScore: 0.3 });
  expect(upn.config.minScore).toBe(0.15);
  expect(own.scores.length).toBeGreaterThan(stricter.scores.length);
  expect(wished.scores.length, 'what the model speaks about is not what the network gives by default').not.toBe(
    own.scores.length,
  );
  await model.dispose();
  await upn.dispose();
});
