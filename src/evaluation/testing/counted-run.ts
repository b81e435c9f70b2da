/**
 * A run that a test kills: `counted-run.ts FOLDER` writes a line for each question it asks; the fifth has no answer.
 */

import { countingSuite } from '../data-suites/counting.ts';
import { evaluate } from '../evaluate.ts';
import { memoryDataset, regionOf, sampleOf } from './memory-dataset.ts';

export const countedSamples = Array.from({ length: 30 }, (_, i) => sampleOf(`s${i}`, [regionOf('dog', 0)]));

export const countedRun = (folder: string | undefined, onQuestion: (sample: string) => unknown) =>
  evaluate({
    suite: countingSuite(),
    data: memoryDataset(countedSamples),
    model: { name: 'counted' },
    folder,
    open: async () => ({
      count: async ({ sample, index }) => {
        await onQuestion(sample.id);
        return { text: index % 3 === 0 ? 'one' : 'four', boxes: [] };
      },
    }),
  });

const [, script, folder] = process.argv;
if (script?.endsWith('counted-run.ts') && folder !== undefined) {
  let asked = 0;
  await countedRun(folder, (sample) => {
    process.stdout.write(`${sample}\n`);
    asked++;
    // Until it is killed.
    if (asked === 5) return new Promise((resolve) => setTimeout(resolve, 600_000));
  });
}
