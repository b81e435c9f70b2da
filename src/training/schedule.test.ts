import { expect, test } from 'vitest';
import { warmupCosine, warmupSteps } from './schedule.ts';

test('warmupCosine rises linearly, passes the middle at half, ends at its floor and stays there', () => {
  const schedule = warmupCosine({ warmupSteps: 10, totalSteps: 110, floor: 0.1 });
  expect(schedule(0)).toBeCloseTo(0.1, 12);
  expect(schedule(9)).toBe(1);
  expect(schedule(10)).toBe(1);
  expect(schedule(60)).toBeCloseTo(0.55, 12);
  expect(schedule(110)).toBeCloseTo(0.1, 12);
  expect(schedule(1000)).toBeCloseTo(0.1, 12);
});

test('without warm-up or room to fall the rate is one', () => {
  expect(warmupCosine({ warmupSteps: 0, totalSteps: 100 })(0)).toBe(1);
  expect(warmupCosine({ warmupSteps: 5, totalSteps: 5 })(4)).toBe(1);
});

test('warmupSteps falls by its factor at every milestone', () => {
  const schedule = warmupSteps({ warmupSteps: 4, milestones: [10, 20], factor: 0.5 });
  expect([0, 3, 9, 10, 19, 20].map(schedule)).toEqual([0.25, 1, 1, 0.5, 0.5, 0.25]);
});
