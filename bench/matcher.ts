/** Time of the optimal assignment on random costs. `npx tsx bench/matcher.ts` */

import { linearSumAssignment } from '../src/training/matcher.ts';
import { createRandom } from './random.ts';

for (const [rows, columns] of [
  [300, 900],
  [900, 300],
  [100, 900],
  [900, 900],
]) {
  const times: number[] = [];
  for (let run = 0; run < 25; run++) {
    const cost = Float32Array.from({ length: rows * columns }, createRandom(run));
    const start = performance.now();
    linearSumAssignment(cost, rows, columns);
    times.push(performance.now() - start);
  }
  const median = times.sort((a, b) => a - b)[times.length >> 1];
  console.log(`assignment ${rows} x ${columns}, uniform costs: median ${median.toFixed(2)} ms of ${times.length}`);
}
