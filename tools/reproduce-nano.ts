/**
 * `npm run reproduce:nano`: the bundled weights from nothing, stage by stage. Interrupt it at any moment and start it
 * again: every stage goes on where it stopped. Hours on two cores; models/nano/README.md says how many. `npm run
 * reproduce:nano -- --steps 20 --scenes 200 --runs FOLDER --out FOLDER` goes the whole way with a few steps and scenes
 * each.
 */

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runStages } from './run-stages.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: 'runs' },
    out: { type: 'string', default: 'models/nano' },
    steps: { type: 'string' },
    scenes: { type: 'string' },
  },
});
const run = (name: string): string => join(values.runs, name);

const stages: readonly (readonly [command: string, options: Readonly<Record<string, string>>])[] = [
  ['train vision', { config: 'nano', out: run('vision') }],
  ['train upn', { config: 'nano', backbone: run('vision'), out: run('upn') }],
  // Training sees the boxes that will be seen in use.
  ['export', { upn: run('upn'), out: run('proposer') }],
  ['train align', { config: 'nano', vision: run('vision'), proposer: run('proposer'), out: run('align') }],
  ['train instruct', { config: 'nano', from: run('align'), proposer: run('proposer'), out: run('instruct') }],
  // An encoder that has learned to name beside the language model is a better backbone (docs/log.md, 2026-11-26).
  ['train upn', { config: 'nano', from: run('upn'), encoder: run('instruct'), steps: '4500', out: run('upn-again') }],
  ['export', { upn: run('upn-again'), mllm: run('instruct'), out: values.out }],
  ['eval world', { model: values.out, seed: '2026' }],
];

const { steps, scenes } = values;
/** What all commands of a kind are given; a trial takes a few steps and looks at a few scenes. */
const shared: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  train: { cache: run('cache'), ...(steps && { steps }), ...(scenes && { scenes }) },
  eval: steps ? { count: '3' } : {},
};

/** Interrupted stages continue; what was exported before is replaced. */
const again: Readonly<Record<string, readonly string[]>> = { train: ['resume'], export: ['force'] };

runStages(
  stages.map(([command, options]) => {
    const words = command.split(' ');
    return { command: words, options: { ...options, ...shared[words[0]] }, flags: again[words[0]] };
  }),
);
