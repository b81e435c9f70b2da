/**
 * `npm run reproduce:photo -- --photos ../shared/photos`: the bundled model of photographs from its detector, the
 * language model of `nano` and folders of photographs with captions and boxes. Interrupt it at any moment and start it
 * again: training continues where it stopped. It says how long it takes; models/photo/README.md has the steps.
 * `--steps 20 --runs FOLDER --out FOLDER` goes the whole way with a few steps.
 */

import { existsSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeBeside } from '../src/files.ts';
import { runStages, type Stage } from './run-stages.ts';

const { values } = parseArgs({
  options: {
    photos: { type: 'string', default: '../shared/photos' },
    runs: { type: 'string', default: 'runs' },
    out: { type: 'string', default: 'models/photo' },
    steps: { type: 'string' },
  },
});
const { photos, out, steps } = values;
const run = (name: string): string => join(values.runs, name);
/** Conversations that an image of `names.jsonl` is tried for. */
const namesAboveAll = { 'region-caption': 9, detection: 5, 'region-qa': 3, 'brief-caption': 1 };
const lessons = run('photo-lessons');
const folders = ['coco', 'coco-val'].map((name) => join(photos, name));
const dataOf = (name: string) => `json-lines:${join(lessons, name)},images=${photos}`;
const mixture = run('photo-mixture.json');
const shared = { config: 'photos', proposer: 'photo', cache: run('cache'), ...(steps && { steps }) };
const training: readonly Stage[] = [
  {
    command: ['train', 'align'],
    options: {
      ...shared,
      ...{ detector: 'photo', language: 'nano', data: dataOf('train.jsonl'), out: run('photo-align') },
    },
    flags: ['resume'],
  },
  {
    command: ['train', 'instruct'],
    options: { ...shared, from: run('photo-align'), data: mixture, out: run('photo-instruct') },
    flags: ['resume'],
  },
];
const measuring = ['--data', join(lessons, 'validation.jsonl'), '--images', photos, ...(steps ? ['--limit', '3'] : [])];

if (!steps) {
  process.stderr.write('about an hour and a half on two free cores; interrupt it at any moment, and start it again\n');
}
const isMade = existsSync(join(lessons, 'train.jsonl'));
if (!isMade) runStages([{ command: ['tools/photo/make-data.ts', ...folders], options: { out: lessons } }]);
const parts = [
  { data: dataOf('train.jsonl'), weight: 2 },
  // What things are called, also the rare ones.
  { data: dataOf('names.jsonl'), weight: 0.7, conversations: namesAboveAll },
  // What people take for a thing, and which of the detector's guesses are wrong.
  { data: dataOf('boxes.jsonl'), weight: 0.4, conversations: namesAboveAll },
];
await writeBeside(mixture, (file) => file.writeFile(JSON.stringify(parts)));
runStages([...training, { command: ['export'], options: { mllm: run('photo-instruct'), out }, flags: ['force'] }]);
// The boxes that the model speaks about come from the detector that it sees with.
const network = join(out, 'upn');
if (!existsSync(network)) await cp(join('models', 'photo', 'upn'), network, { recursive: true });
runStages([{ command: ['tools/photo/measure-captions.ts', '--model', out, ...measuring] }]);
