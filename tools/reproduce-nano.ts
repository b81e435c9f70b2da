/**
 * `npm run reproduce:nano`: the bundled weights from nothing, stage by stage. Interrupt it at any moment and start it again: every
 * stage goes on where it stopped. Hours on two cores; docs/log.md says how many.
 */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: 'runs' }, out: { type: 'string', default: 'models/nano' } },
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

for (const stage of stages) {
  process.stderr.write(`\nchatrex ${stage.join(' ')}\n`);
  const cache = stage[0] === 'train' ? ['--cache', run('cache')] : [];
  const { status } = spawnSync('npx', ['tsx', 'src/cli/main.ts', ...stage, ...cache], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
