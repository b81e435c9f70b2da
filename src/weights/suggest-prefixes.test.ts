import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseChatRexConfig } from '../chatrex/config.ts';
import { splitTensors } from '../chatrex/weights.ts';
import { readConfig } from '../language/load.ts';
import { openCheckpoint } from './checkpoint.ts';
import { suggestPrefixes, withPrefixes } from './suggest-prefixes.ts';

const parameters = ['tower.a.weight', 'tower.b', 'model.layers.0.w', 'head.w'];

test.each<[string, (name: string) => string]>([
  ['all begin with more', (name) => `llm.${name}`],
  ['all begin with less', (name) => name.replace(/^(tower|model|head)\./, '')],
  ['some begin with more', (name) => (name.startsWith('model.') ? name : `model.${name}`)],
])('%s: the suggestion gives the parameters back', (_, rename) => {
  const stored = parameters.map(rename).filter((name) => !parameters.includes(name));
  const right = parameters.map(rename).filter((name) => parameters.includes(name));
  const missing = parameters.filter((name) => !right.includes(name));
  const prefixes = suggestPrefixes(missing, stored, right) ?? {};
  const names = [...stored, ...right].map((name) => withPrefixes(name, prefixes));
  expect(names.filter((name) => parameters.includes(name)).length).toBeGreaterThan(parameters.length / 2);
});

test('no suggestion changes a name that is right, or comes where nothing fits', () => {
  const names = fc.uniqueArray(fc.constantFrom('a.x', 'b.x', 'm.a.x', 'm.b.x', 'm.m.a.x', 'x', 'c.y'), {
    minLength: 1,
  });
  fc.assert(
    fc.property(names, names, (missing, found) => {
      const right = found.filter((name) => missing.includes(name));
      const lacking = missing.filter((name) => !right.includes(name));
      const prefixes =
        suggestPrefixes(
          lacking,
          found.filter((name) => !right.includes(name)),
          right,
        ) ?? {};
      for (const name of right) expect(withPrefixes(name, prefixes)).toBe(name);
    }),
  );
  expect(suggestPrefixes(['a.x'], ['b.z'])).toBeUndefined();
});

test.each<[string, (name: string) => string]>([
  ['model.<name>', (name) => `model.${name}`],
  ["LLaVA's, encoders under model.", (name) => (/^(model|lm_head)\./.test(name) ? name : `model.${name}`)],
])('a ChatRex whose tensors are called %s: both names are shown, and the line mends it', async (_, rename) => {
  const folder = 'fixtures/chatrex/tiny-gated';
  const config = parseChatRexConfig(await readConfig(folder));
  const file = await openCheckpoint(folder);
  const renamed = { ...file, tensors: new Map([...file.tensors].map(([name, tensor]) => [rename(name), tensor])) };
  let message = '';
  try {
    splitTensors(renamed, config);
  } catch (error) {
    message = (error as Error).message;
  }
  expect(message).toMatch(/missing: vision_tower\..*unexpected: model\./);
  const prefixes = JSON.parse(/"prefixes": (\{.*?\})/.exec(message)![1]);
  const { vision, language } = splitTensors(renamed, { ...config, prefixes });
  expect([...vision.keys(), ...language.keys()].sort()).toEqual([...file.tensors.keys()].sort());
});
