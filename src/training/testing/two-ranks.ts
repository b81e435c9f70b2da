/** What `mpirun -n 2` runs in a test: sums and exchanges, printed as one line of JSON by each rank. */

import { Mpi } from '../parallel/mpi.ts';

const ranks = await Mpi.join(process.env);
if (!ranks) throw new Error('mpirun did not start this');
const { rank, size } = ranks;
const sums = Float32Array.of(1 + rank, 0.5, -rank);
await ranks.sum(sums);
const empty = new Float32Array();
await ranks.sum(empty);
const words = await ranks.gather(`é${rank}`);
const refused = await ranks.gather('x'.repeat(10_000)).catch((error: Error) => error.message);
process.stdout.write(`${JSON.stringify({ rank, size, sums: [...sums], words, refused })}\n`);
await ranks.finalize();
