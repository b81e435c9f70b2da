import { expect, test } from 'vitest';
import { sourceRows } from './source-rows.ts';
import { createTokenizer } from './tokenizer.ts';
import { trainTokenizer } from './train-tokenizer.ts';

const world = [' a red cart', ' a red cart', ' the cart is red'];
const photographs = [' a skateboard', ' the skateboard', ' a red skateboard', ' a cart'];
const specialTokens = ['<user>', '<obj0>'];
const base = trainTokenizer(world, { vocabSize: 275, specialTokens });
const json = trainTokenizer(photographs, { vocabSize: 300, specialTokens: [...specialTokens, '<obj1>'], base });

test('a continued vocabulary keeps its pieces and their ids, and reads new words in fewer', () => {
  for (const [piece, id] of Object.entries(base.model.vocab)) expect(json.model.vocab[piece]).toBe(id);
  const [before, after] = [base, json].map((one) => createTokenizer(one).encode(' a skateboard').length);
  expect(after).toBeLessThan(before);
  expect(createTokenizer(json).decode(createTokenizer(json).encode(' a red skateboard'))).toBe(' a red skateboard');
});

test('every token begins as what the other vocabulary reads it as', () => {
  const rows = sourceRows(base, json);
  const [old, fresh] = [createTokenizer(base), createTokenizer(json)];
  for (const id of Object.values(json.model.vocab)) {
    expect(old.decode(rows[id])).toBe(fresh.decode([id]));
  }
  const idOf = (name: string) => json.added_tokens.find(({ content }) => content === name)!.id;
  expect(rows[idOf('<obj0>')]).toEqual([base.added_tokens[1].id]);
  expect(rows[idOf('<obj1>')]).toEqual([]);
});

test('a vocabulary that cannot be continued is refused', () => {
  const other = { ...base, model: { ...base.model, merges: [...base.model.merges].reverse() } };
  expect(() => trainTokenizer(world, { vocabSize: 300, specialTokens, base: other })).toThrow(/must be used as it is/);
});
