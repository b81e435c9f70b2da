/** The command line in this process: a process of its own takes seconds to start. */

import { Readable } from 'node:stream';
import { type Command, CommanderError } from 'commander';
import { vi } from 'vitest';
import { runProgram } from '../program.ts';

/** What a command prints, and its exit status. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * @param stdin what standard input holds
 * @example const { code, stdout } = await run(['detect', 'a.png', 'dog', '--json']);
 */
export async function run(words: readonly string[], stdin = ''): Promise<Ran> {
  const printed = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      printed[name] += chunk;
      return true;
    }),
  );
  const input = vi.spyOn(process, 'stdin', 'get').mockReturnValue(Readable.from([stdin]) as typeof process.stdin);
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    await runProgram(words, staysInProcess);
    return { code: Number(process.exitCode ?? 0), ...printed };
  } catch (error) {
    // Commander has said what is wrong.
    if (error instanceof CommanderError) return { code: error.exitCode, ...printed };
    throw error;
  } finally {
    process.exitCode = before;
    for (const spy of [...spies, input]) spy.mockRestore();
  }
}

/** Commander throws where it would end the process. */
function staysInProcess(command: Command): void {
  command.exitOverride();
  for (const inner of command.commands) staysInProcess(inner);
}
