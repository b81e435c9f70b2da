/**
 * Exports a model and writes beside it what our own sessions, with the weights where they are stored, make of random
 * inputs:
 *
 *     npx tsx tools/reference/onnx/expected.ts FOLDER [MODEL]
 *     python tools/reference/onnx/check.py FOLDER
 */

import { join } from 'node:path';
import { planOnnx, writeOnnx } from '../../../src/chatrex/export-onnx.ts';
import { createRandom } from '../../../src/random.ts';
import { type HostTensor, hostTensor } from '../../../src/runtime/host-tensor.ts';
import { Session } from '../../../src/runtime/session.ts';
import { isStatic } from '../../../src/tensor/dimension.ts';
import { graphOf } from '../../../src/tensor/graph.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { type TensorToWrite, writeSafetensors } from '../../../src/weights/safetensors-writer.ts';

const [folder, model = 'nano'] = process.argv.slice(2);
const random = createRandom('onnx');
const sizes: Readonly<Record<string, number>> = { batch: 1, boxes: 5, sequence: 7, capacity: 0 };
const plan = await planOnnx(model);
await writeOnnx(folder, plan);

const kept: TensorToWrite[] = [];
for (const { graphs, weights } of plan.sets) {
  for (const [file, outputs] of Object.entries(graphs)) {
    const session = await Session.create(outputs as Record<string, Tensor>, weights);
    const { inputs } = graphOf(outputs as Record<string, Tensor>);
    const feeds = Object.fromEntries([...inputs.values()].map((input) => [input.name, made(input, sizes)]));
    const results = await session.run(feeds);
    keep(file, feeds, results);
    if (inputs.has('past.0.key')) {
      // One more token; the other program keeps the cache by itself.
      const embeddings = made(inputs.get('embeddings')!, { ...sizes, sequence: 1 });
      const lengths = hostTensor('int64', [1], [sizes.sequence]);
      const past = Object.keys(feeds).filter((name) => name.startsWith('past.'));
      const held = past.map((name) => [name, results[name.replace('past', 'own')]] as const);
      const next = { embeddings, lengths };
      keep(`${file} after`, next, await session.run({ ...next, ...Object.fromEntries(held) }));
    }
    await session.dispose();
  }
}
await writeSafetensors(join(folder, 'expected.safetensors'), kept);
process.stdout.write(`${folder}/expected.safetensors: ${kept.length} tensors\n`);

function keep(title: string, feeds: Record<string, HostTensor>, results: Record<string, HostTensor>): void {
  for (const [side, tensors] of Object.entries({ in: feeds, out: results })) {
    for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
      kept.push({ name: `${title}|${side}|${name}`, dtype, shape: [...shape], data });
    }
  }
}

/** Something that such an input may hold. */
function made(
  { name, dtype, shape }: Pick<Tensor, 'dtype' | 'shape'> & { name: string },
  of: typeof sizes,
): HostTensor {
  const dims = shape.map((dim) => (isStatic(dim) ? dim : of[dim]));
  const count = dims.reduce((a, b) => a * b, 1);
  const filled = (value: (i: number) => number) =>
    hostTensor(
      dtype,
      dims,
      Array.from({ length: count }, (_, i) => value(i)),
    );
  if (name === 'lengths') return filled(() => 0);
  if (name === 'ids') return filled(() => random.int(0, 999));
  // Padding at the right.
  if (name === 'padding') return filled((i) => Number(i % dims[2] > 300));
  let corner: number[] = [];
  if (name === 'boxesXyxy') {
    return filled((i) => {
      const isCorner = i % 4 < 2;
      const value = isCorner ? random.range(0, 150) : corner[i % 2] + random.range(1, 100);
      corner = i % 4 === 0 ? [value] : isCorner ? [...corner, value] : corner;
      return value;
    });
  }
  return filled(() => random.range(-2, 2));
}
