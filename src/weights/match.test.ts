import { expect, test } from 'vitest';
import { matchParameters, WeightsMismatchError } from './match.ts';

const declared = [
  { name: 'a.weight', shape: [2, 3] },
  { name: 'a.bias', shape: [2] },
];
const found = (...entries: [string, number[]][]) => new Map(entries.map(([name, shape]) => [name, { shape }]));

function mismatch(action: () => void): WeightsMismatchError {
  try {
    action();
  } catch (error) {
    if (error instanceof WeightsMismatchError) return error;
  }
  return expect.unreachable('expected a WeightsMismatchError');
}

test('passes when names and shapes agree, in any order', () => {
  matchParameters(declared, found(['a.bias', [2]], ['a.weight', [2, 3]]));
  matchParameters([], found());
});

test('lists everything at once', () => {
  const error = mismatch(() => matchParameters(declared, found(['a.weight', [3, 2]], ['b', [1]], ['c', [1]])));
  expect(error.code).toBe('weights-mismatch');
  expect(error.missing).toEqual(['a.bias']);
  expect(error.unexpected).toEqual(['b', 'c']);
  expect(error.misshaped).toEqual([{ name: 'a.weight', expected: [2, 3], found: [3, 2] }]);
  expect(error.message).toBe(
    'the weights do not fit the model: 1 missing: a.bias; 2 unexpected: b, c; ' +
      '1 of another shape: a.weight [3,2], expected [2,3]. Check that preset and file belong together',
  );
});

test('a shape of another rank is another shape', () => {
  expect(mismatch(() => matchParameters([{ name: 'w', shape: [2] }], found(['w', [2, 1]]))).misshaped).toHaveLength(1);
});

test('long lists are counted in the message and complete in the fields', () => {
  const many = Array.from({ length: 701 }, (_, i) => ({ name: `layer.${i}`, shape: [1] }));
  const error = mismatch(() => matchParameters(many, found()));
  expect(error.message).toContain('701 missing: layer.0, layer.1, layer.2, layer.3, layer.4 and 696 more');
  expect(error.missing).toHaveLength(701);
});

test('known non-parameters are let pass, declared ones never', () => {
  const ignore = [/\.num_batches_tracked$/g, /bias$/];
  matchParameters(
    [declared[0]],
    found(['a.weight', [2, 3]], ['n.num_batches_tracked', []], ['m.num_batches_tracked', []]),
    { ignore },
  );
  const error = mismatch(() => matchParameters(declared, found(['a.weight', [2, 3]]), { ignore }));
  expect(error.missing).toEqual(['a.bias']);
});
