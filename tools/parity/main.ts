/** `npm run parity -- KIND FILE`: holds a model against tensors that the official code computed. For development. */

import { ChatRexError } from '../../src/errors.ts';
import { objectEncoderParity } from './object-encoder.ts';
import type { ParityRow } from './row.ts';
import { upnParity } from './upn.ts';

/** Reads a file of weights, inputs and expected outputs, runs our model and compares. */
export type ParityCheck = (path: string) => Promise<ParityRow[]>;

/** A tensor passes when its absolute or its relative difference is at most the tolerance. */
const checks: Readonly<Record<string, { check: ParityCheck; tolerance: number }>> = {
  upn: { check: upnParity, tolerance: 1e-3 },
  'object-encoder': { check: objectEncoderParity, tolerance: 1e-4 },
};

async function main([kind, path, ...rest]: string[]): Promise<number> {
  const known = Object.hasOwn(checks, kind ?? '') ? checks[kind] : undefined;
  if (!known || path === undefined || rest.length > 0) {
    throw new ChatRexError(
      'invalid-argument',
      `usage: npm run parity -- ${Object.keys(checks).join('|')} FILE.safetensors`,
    );
  }
  const { check, tolerance } = known;
  const rows = await check(path);
  const passes = ({ absolute, relative }: ParityRow): boolean => Math.min(absolute, relative) <= tolerance;
  const width = Math.max(...rows.map(({ tensor }) => tensor.length));
  process.stdout.write(`${'tensor'.padEnd(width)}  max abs    max rel\n`);
  for (const row of rows) {
    const { tensor, absolute, relative, note } = row;
    const verdict = passes(row) ? 'ok' : 'FAILS';
    const numbers = [absolute, relative].map((value) => value.toExponential(2).padStart(9)).join('  ');
    process.stdout.write(`${tensor.padEnd(width)}  ${numbers}  ${verdict}${note ? `  (${note})` : ''}\n`);
  }
  const failures = rows.filter((row) => !passes(row)).length;
  process.stdout.write(
    failures === 0 ? `all within ${tolerance}\n` : `${failures} of ${rows.length} exceed ${tolerance}\n`,
  );
  return failures === 0 ? 0 : 1;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: Error) => {
    process.stderr.write(`${error instanceof ChatRexError ? error.message : error.stack}\n`);
    process.exitCode = 2;
  },
);
