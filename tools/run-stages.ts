/** What the scripts that reproduce a bundled model share: commands one after the other, each of which continues. */

import { spawnSync } from 'node:child_process';

export interface Stage {
  /** The command with what it is given besides options: `train align`, or a script of this folder. */
  readonly command: readonly string[];
  readonly options?: Readonly<Record<string, string>>;
  /** Options without a value. */
  readonly flags?: readonly string[];
}

/** Runs every stage; the first that fails ends the program with its status. */
export function runStages(stages: readonly Stage[]): void {
  for (const { command, options = {}, flags = [] } of stages) {
    const given = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
    const call = [...command, ...given, ...flags.map((flag) => `--${flag}`)];
    const isScript = command[0].endsWith('.ts');
    process.stderr.write(`\n${isScript ? 'tsx' : 'chatrex'} ${call.join(' ')}\n`);
    const { status } = spawnSync('npx', ['tsx', ...(isScript ? [] : ['src/cli/main.ts']), ...call], {
      stdio: 'inherit',
    });
    if (status !== 0) process.exit(status ?? 1);
  }
}
