/**
 * Time to build, serialise and open a graph as large as Swin-L's at 800 x 1066 pixels, weights excluded.
 *
 *     npx tsx bench/graph.ts
 */

import { createScope } from '../src/nn/scope.ts';
import { emitModel } from '../src/onnx/emit.ts';
import { createBackbone } from '../src/proposals/backbone.ts';
import { upnPresets } from '../src/proposals/config.ts';
import { Session } from '../src/runtime/session.ts';
import { graphOf } from '../src/tensor/graph.ts';
import { input } from '../src/tensor/ops/input.ts';

const rounds = 5;
const best: Record<string, number> = {};

/** Runs and remembers the best time; processor time too, since other work on the machine does not lengthen it much. */
async function timed<T>(what: string, work: () => T | Promise<T>): Promise<T> {
  const [start, before] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  for (const [name, ms] of [
    [what, performance.now() - start],
    [`${what}, processor`, (user + system) / 1000],
  ] as const) {
    best[name] = Math.min(best[name] ?? Number.POSITIVE_INFINITY, ms);
  }
  return result;
}

for (let round = 0; round < rounds; round++) {
  const outputs = await timed('build', () => {
    const maps = createBackbone(createScope(), upnPresets['upn-large'])(input('images', 'float32', [1, 3, 800, 1066]));
    return Object.fromEntries(maps.map((map, i) => [`map${i}`, map]));
  });
  const { bytes } = await timed('serialise', () => emitModel(graphOf(outputs), 'feeds'));
  // This serialises once more.
  const session = await timed('open a session', () => Session.create(outputs, 'feeds'));
  if (round === 0) console.log(`${graphOf(outputs).nodes.length} nodes, ${(bytes.length / 1e6).toFixed(1)} MB of ONNX`);
  await session.dispose();
}
for (const [what, ms] of Object.entries(best)) console.log(`${what.padEnd(26)} ${ms.toFixed(0).padStart(6)} ms`);
const total = best.build + best['open a session'];
console.log(`together ${total.toFixed(0)} ms, best of ${rounds}`);
