/**
 * Writes one checkpoint over the other until it is killed: `node save-forever.ts FOLDER`. Says each time it has written
 * one.
 */

import { hostTensor } from '../../runtime/host-tensor.ts';
import { saveTrainingState } from '../checkpoint.ts';
import { checkpointFile } from '../loop.ts';

const [folder] = process.argv.slice(2);
const size = 500_000;
for (let step = 0; ; step++) {
  // Every value of a checkpoint is its step, so that a mixture of two would show.
  const filled = () => hostTensor('float32', [size], new Float32Array(size).fill(step));
  const optimizer = {
    step,
    firstMoments: new Map([['w', filled().data]]),
    secondMoments: new Map([['w', filled().data]]),
  };
  await saveTrainingState(checkpointFile(folder), { step, parameters: new Map([['w', filled()]]), optimizer });
  process.stdout.write(`${step}\n`);
}
