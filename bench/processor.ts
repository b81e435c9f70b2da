/** What a benchmark ran on: figures of int8 and int4 mean nothing without the processor's instructions. */

import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** Instructions that the kernels of matrix products look for, as Linux calls them. */
const telling = ['avx2', 'avx512f', 'avx512_vnni', 'avx_vnni', 'avx512_bf16', 'amx_int8'];

/** Such as `AMD EPYC, 2 cores, avx2 avx512f avx512_vnni`; without instructions where the system does not tell. */
export function processorName(): string {
  const { length } = cpus();
  let flags: string[] = [];
  try {
    flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1].trim().split(' ') ?? [];
  } catch {
    // Another system than Linux.
  }
  const found = telling.filter((flag) => flags.includes(flag)).join(' ');
  return [cpus()[0]?.model.trim() ?? 'unknown', `${length} cores`, ...(found ? [found] : [])].join(', ');
}
