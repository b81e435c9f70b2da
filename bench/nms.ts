/** Time of non-maximum suppression. `npx tsx bench/nms.ts` */

import { nms } from '../src/boxes/nms.ts';
import { createRandom } from './random.ts';

for (const [count, sizePixels, threshold] of [
  [900, 120, 0.8],
  [5_000, 120, 0.8],
  [50_000, 120, 0.8],
  [50_000, 400, 0.5],
]) {
  const random = createRandom(1);
  const boxes = new Float32Array(4 * count);
  const scores = Float32Array.from({ length: count }, random);
  for (let i = 0; i < boxes.length; i += 4) {
    const [x, y] = [random() * 1333, random() * 800];
    boxes.set([x, y, x + 5 + random() * sizePixels, y + 5 + random() * sizePixels], i);
  }
  const times: number[] = [];
  let kept = 0;
  for (let run = 0; run < (count > 10_000 ? 3 : 15); run++) {
    const start = performance.now();
    kept = nms(boxes, scores, threshold).length;
    times.push(performance.now() - start);
  }
  const median = times.sort((a, b) => a - b)[times.length >> 1];
  console.log(
    `nms ${count} boxes up to ${sizePixels} px at ${threshold}: ${kept} kept, median ${median.toFixed(2)} ms`,
  );
}
