/**
 * `npm run reproduce:nano`: the bundled weights from nothing, stage by stage. Interrupt it at any moment and start it again: every
 * stage goes on where it stopped. Hours on two cores; docs/log.md says how many. `npm run reproduce:nano -- --steps 20 --runs FOLDER
 * --out FOLDER` goes the whole way with a few steps each.
 */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: 'runs' },
    out: { type: 'string', default: 'models/nano' },
    steps: { type: 'string' },
  },
});
const run = (name: string): string => join(values.runs, name);

const stages: readonly string[][] = [
  ['train', 'vision', '--config', 'nano', '--out', run('vision'), '--resume'],
  ['train', 'upn', '--config', 'nano', '--backbone', run('vision'), '--out', run('upn'), '--resume'],
  // Training sees the boxes that will be seen in use.
  ['export', '--upn', run('upn'), '--out', run('proposer')],
  [
    'train',
    'align',
    '--config',
    'nano',
    '--vision',
    run('vision'),
    '--proposer',
    run('proposer'),
    '--out',
    run('align'),
    '--resume',
  ],
  [
    'train',
    'instruct',
    '--config',
    'nano',
    '--from',
    run('align'),
    '--proposer',
    run('proposer'),
    '--out',
    run('instruct'),
    '--resume',
  ],
  ['export', '--upn', run('upn'), '--mllm', run('instruct'), '--out', values.out],
  ['eval', 'world', '--model', values.out, '--seed', '2026'],
];

const { steps } = values;
/** A trial takes a few steps and looks at a few scenes. */
const optionsOf = (command: string): string[] => {
  if (command === 'train') return ['--cache', run('cache'), ...(steps === undefined ? [] : ['--steps', steps])];
  return command === 'eval' && steps !== undefined ? ['--count', '3'] : [];
};

for (const stage of stages) {
  process.stderr.write(`\nchatrex ${stage.join(' ')}\n`);
  const command = ['tsx', 'src/cli/main.ts', ...stage, ...optionsOf(stage[0])];
  const { status } = spawnSync('npx', command, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
