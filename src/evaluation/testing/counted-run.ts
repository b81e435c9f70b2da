/** A run that a test kills: `counted-run.ts FOLDER` asks slowly, and writes a line for each question it asks. */

import { setTimeout as wait } from 'node:timers/promises';
import { countingSuite } from '../data-suites/counting.ts';
import { evaluate } from '../evaluate.ts';
import { memoryDataset, regionOf, sampleOf } from './memory-dataset.ts';

export const countedSamples = Array.from({ length: 30 }, (_, i) => sampleOf(`s${i}`, [regionOf('dog', 0)]));

export const countedRun = (folder: string | undefined, onQuestion: (sample: string) => void, pauseMs: number) =>
  evaluate({
    suite: countingSuite(),
    data: memoryDataset(countedSamples),
    model: { name: 'counted' },
    folder,
    open: async () => ({
      count: async ({ sample, index }) => {
        onQuestion(sample.id);
        await wait(pauseMs);
        return { text: index % 3 === 0 ? 'one' : 'four', boxes: [] };
      },
    }),
  });

const [, script, folder] = process.argv;
if (script?.endsWith('counted-run.ts') && folder !== undefined) {
  await countedRun(folder, (sample) => process.stdout.write(`${sample}\n`), 50);
}
