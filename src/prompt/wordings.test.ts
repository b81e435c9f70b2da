import { expect, it } from 'vitest';
import { wordings } from './wordings.ts';

it('makes every sentence that a pattern stands for, tidied', () => {
  const { seen } = wordings(['(Please)? (find|locate) [OBJ]( here)?.'], []);
  expect(seen).toEqual([
    'Please find [OBJ] here.',
    'Please find [OBJ].',
    'Please locate [OBJ] here.',
    'Please locate [OBJ].',
    'Find [OBJ] here.',
    'Find [OBJ].',
    'Locate [OBJ] here.',
    'Locate [OBJ].',
  ]);
});

it('tells an option at the end of a question from its mark', () => {
  expect(wordings(['Is it( here)??'], []).seen).toEqual(['Is it here?', 'Is it?']);
});

it('never makes a sentence that is held out', () => {
  const { seen, unseen } = wordings(['(What|Which) is it?'], ['Which is it?']);
  expect([seen, unseen]).toEqual([['What is it?'], ['Which is it?']]);
});
