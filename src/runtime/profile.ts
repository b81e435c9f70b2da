/** Reads the trace that ONNX Runtime writes when a session is profiled: where the time went, op class by op class. */

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { ChatRexError } from '../errors.ts';

/** Time spent in all nodes of one kind. */
export interface OpTime {
  readonly op: string;
  readonly calls: number;
  readonly timeMs: number;
  /** Fraction of the time of all nodes. */
  readonly share: number;
}

const eventSchema = z.object({
  cat: z.string().optional(),
  name: z.string().optional(),
  dur: z.number().optional(),
  args: z.looseObject({ op_name: z.string().optional() }).optional(),
});

/**
 * Time per kind of op, the slowest first.
 * @param path a file that `SessionOptions.profilePrefix` led to, after `endProfiling`
 * @param runs how many runs it covers; times are per run
 * @throws ChatRexError 'invalid-file' when it is no such trace
 */
export async function readProfile(path: string, { runs = 1 }: { runs?: number } = {}): Promise<OpTime[]> {
  const parsed = z.array(eventSchema).safeParse(parseJson(await readFile(path, 'utf8')));
  if (!parsed.success) throw new ChatRexError('invalid-file', `${path} is not a trace of ONNX Runtime`);
  const totals = new Map<string, { calls: number; timeMs: number }>();
  for (const { cat, name, dur, args } of parsed.data) {
    if (cat !== 'Node' || !name?.endsWith('_kernel_time') || args?.op_name === undefined) continue;
    const total = totals.get(args.op_name) ?? { calls: 0, timeMs: 0 };
    total.calls += 1 / runs;
    total.timeMs += (dur ?? 0) / 1000 / runs;
    totals.set(args.op_name, total);
  }
  const all = [...totals.values()].reduce((sum, { timeMs }) => sum + timeMs, 0);
  return [...totals]
    .map(([op, { calls, timeMs }]) => ({ op, calls, timeMs, share: timeMs / all }))
    .sort((a, b) => b.timeMs - a.timeMs);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A table for reading. */
export function formatProfile(times: readonly OpTime[], { rows = 20 } = {}): string {
  const total = times.reduce((sum, { timeMs }) => sum + timeMs, 0);
  const lines = times.slice(0, rows).map(({ op, calls, timeMs, share }) => {
    const numbers = [
      `${Math.round(calls)}`.padStart(7),
      timeMs.toFixed(1).padStart(10),
      `${(share * 100).toFixed(1)} %`.padStart(8),
    ];
    return `${op.padEnd(24)}${numbers.join('')}`;
  });
  const head = `${'op'.padEnd(24)}${'calls'.padStart(7)}${'ms'.padStart(10)}${'share'.padStart(8)}`;
  return [head, ...lines, `${'all'.padEnd(31)}${total.toFixed(1).padStart(10)}`].join('\n');
}
