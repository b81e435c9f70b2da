/**
 * `npm run reproduce:photo -- --photos ../shared/photos`: the bundled model of photographs from its detector, the
 * language model of `nano` and folders of photographs with captions and boxes. Interrupt it at any moment and start it
 * again: training continues where it stopped. Two hours on two cores; models/photo/README.md says how many steps. `--steps
 * 20 --runs FOLDER --out FOLDER` goes the whole way in a few minutes, once the lessons are made.
 */

import { existsSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
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
const lessons = run('photo-lessons');
const folders = ['coco', 'coco-val'].map((name) => join(photos, name));
const training: Stage = {
  command: ['train', 'align'],
  options: {
    ...{ config: 'photos', detector: 'photo', language: 'nano', proposer: 'photo' },
    data: `json-lines:${join(lessons, 'train.jsonl')},images=${photos}`,
    ...{ cache: run('cache'), out: run('photo-align'), ...(steps && { steps }) },
  },
  flags: ['resume'],
};
const measuring = ['--data', join(lessons, 'validation.jsonl'), '--images', photos, ...(steps ? ['--limit', '3'] : [])];

const isMade = existsSync(join(lessons, 'train.jsonl'));
if (!isMade) runStages([{ command: ['tools/photo/make-data.ts', ...folders], options: { out: lessons } }]);
runStages([training, { command: ['export'], options: { mllm: run('photo-align'), out }, flags: ['force'] }]);
// The boxes that the model speaks about come from the detector that it sees with.
const network = join(out, 'upn');
if (!existsSync(network)) await cp(join('models', 'photo', 'upn'), network, { recursive: true });
runStages([{ command: ['tools/photo/measure-captions.ts', '--model', out, ...measuring] }]);
