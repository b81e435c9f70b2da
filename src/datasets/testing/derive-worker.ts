import { appendFileSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { serveTasks } from '../../workers/protocol.ts';
import type { DerivedValues, Range } from '../derived.ts';

/** Every index as text, but 5, which fails; says in a file which ranges it was asked for. */
serveTasks(({ start, end }: Range): DerivedValues => {
  appendFileSync(workerData as string, `${start}-${end}\n`);
  return Array.from({ length: end - start }, (_, i) =>
    start + i === 5 ? { failure: 'image 5 cannot be read' } : new TextEncoder().encode('x'.repeat(start + i)),
  );
});
