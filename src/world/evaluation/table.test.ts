import { expect, it } from 'vitest';
import { worldTable } from './table.ts';

it('prints a block per task, aligned, with gaps where a figure does not apply', () => {
  const table = worldTable({
    split: 'test',
    seed: 7,
    count: 2,
    phrasings: 'unseen',
    seconds: 4,
    scenesPerSecond: 0.5,
    results: [
      { task: 'upn', variant: 'fine', count: 2, seconds: 0.25, figures: { AP: 0.5 } },
      { task: 'upn', variant: 'both', count: 2, seconds: 0, figures: { 'boxes per scene': 12 } },
      { task: 'counting', variant: 'true boxes', count: 4, seconds: 1, figures: { exact: null } },
    ],
    skipped: [{ task: 'counting', variant: 'upn boxes', reason: 'no upn' }],
  });
  expect(table).toBe(`RexWorld test, seed 7: 2 scenes, unseen phrasings, 4.0 s, 0.50 scenes/s

upn                         fine        both
  AP                       0.500           -
  boxes per scene              -      12.000
  scenes                       2           2
  seconds                    0.3         0.0

counting              true boxes
  exact                        -
  answers                      4
  seconds                    1.0

skipped: counting (upn boxes): no upn
`);
});
