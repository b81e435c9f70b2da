/** What the scripts that reproduce a bundled model share: commands one after the other, each of which continues. */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export interface Stage {
  /** The command with what it is given besides options: `train align`, or a script of this folder. */
  readonly command: readonly string[];
  readonly options?: Readonly<Record<string, string>>;
  /** Options without a value; `resume` is given only where `out` holds a run. */
  readonly flags?: readonly string[];
}

/** The words of a stage's command line: `resume` only where `out` holds a run, for what was never begun has nothing. */
export function wordsOf({ command, options = {}, flags = [] }: Stage): string[] {
  const given = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const isBegun = options.out !== undefined && existsSync(join(options.out, 'run.json'));
  const wanted = flags.filter((flag) => flag !== 'resume' || isBegun);
  return [...command, ...given, ...wanted.map((flag) => `--${flag}`)];
}

/** Runs every stage; the first that fails ends the program with its status. */
export function runStages(stages: readonly Stage[]): void {
  for (const stage of stages) {
    const call = wordsOf(stage);
    const isScript = stage.command[0].endsWith('.ts');
    process.stderr.write(`\n${isScript ? 'tsx' : 'chatrex'} ${call.join(' ')}\n`);
    const { status } = spawnSync('npx', ['tsx', ...(isScript ? [] : ['src/cli/main.ts']), ...call], {
      stdio: 'inherit',
    });
    if (status !== 0) process.exit(status ?? 1);
  }
}
