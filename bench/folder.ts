/**
 * A folder of images through `propose` or `describe`: as the commands do it, against one image after the other.
 *
 *     npx tsx bench/folder.ts FOLDER [--model nano] [--command propose|describe] [--rounds 5] [--count N]
 *
 * Each way runs in a process of its own, in turns, with the start of the model; medians are printed. Both must print
 * the same text. Processor time tells how much work is done; how well the cores are used, only the clock of a machine
 * that does nothing else.
 */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { parseArgs, promisify } from 'node:util';
import { imageFiles, openImage } from '../src/cli/image-files.ts';
import { lookAtAll } from '../src/cli/look-at-all.ts';
import { type LookRequest, openLooker } from '../src/cli/open-looker.ts';
import { median } from './step-time.ts';

interface Measured {
  readonly seconds: number;
  readonly processor: number;
  readonly megabytes: number;
  /** Of all that was printed. */
  readonly digest: string;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: 'nano' },
    command: { type: 'string', default: 'propose' },
    rounds: { type: 'string', default: '5' },
    count: { type: 'string', default: '24' },
    way: { type: 'string' },
  },
});

const request: LookRequest =
  values.command === 'propose'
    ? { kind: 'propose', model: values.model, preset: 'upn-large', wish: { granularity: 'coarse' }, json: true }
    : {
        ...{ kind: 'answer', model: values.model, json: true, asked: { kind: 'describe', detail: 'brief' } },
        ...{ filter: {}, asking: { maxTokens: 40 } },
      };

/** Images of the folder, again and again until there are enough. */
async function jobsOf(folder: string) {
  const { images } = await imageFiles([folder]);
  return Array.from({ length: Number(values.count) }, (_, i) => ({ path: images[i % images.length].path }));
}

const ways: Record<string, (folder: string, print: (text: string) => void) => Promise<void>> = {
  turns: async (folder, print) => {
    const looker = await openLooker(request);
    for (const job of await jobsOf(folder)) print((await looker.look(job, await openImage(job.path))).text);
    await looker.dispose();
  },
  folder: async (folder, print) =>
    lookAtAll(request, await jobsOf(folder), {
      onOutcome: (_, outcome) => print('report' in outcome ? outcome.report.text : outcome.failure.message),
    }),
};

async function measureHere(way: string, folder: string): Promise<Measured> {
  const digest = createHash('sha256');
  const start = performance.now();
  await ways[way](folder, (text) => digest.update(text));
  const { user, system } = process.cpuUsage();
  return {
    seconds: (performance.now() - start) / 1000,
    processor: (user + system) / 1e6,
    megabytes: process.resourceUsage().maxRSS / 1024,
    digest: digest.digest('hex'),
  };
}

async function measureApart(way: string): Promise<Measured> {
  const args = [...process.execArgv, ...process.argv.slice(1), '--way', way];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout);
}

const [folder] = positionals;
if (folder === undefined) throw new Error('name a folder of images');
if (values.way !== undefined) console.log(JSON.stringify(await measureHere(values.way, folder)));
else {
  const found: Record<string, Measured[]> = { turns: [], folder: [] };
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const way of Object.keys(found)) found[way].push(await measureApart(way));
  }
  const of = (way: string, what: 'seconds' | 'processor' | 'megabytes') =>
    median(found[way].map((measured) => measured[what]));
  for (const way of Object.keys(found)) {
    const [seconds, processor, megabytes] = [of(way, 'seconds'), of(way, 'processor'), of(way, 'megabytes')];
    const speed = `${(Number(values.count) / seconds).toFixed(2)} images/s`;
    console.log(`${way.padEnd(7)} ${speed}, processor ${processor.toFixed(1)} s, peak ${megabytes.toFixed(0)} MB`);
  }
  const digests = new Set(Object.values(found).flatMap((list) => list.map(({ digest }) => digest)));
  const ratio = (what: 'seconds' | 'processor' | 'megabytes') => (of('folder', what) / of('turns', what)).toFixed(2);
  console.log(`images a second ${(of('turns', 'seconds') / of('folder', 'seconds')).toFixed(2)} times`);
  console.log(`processor ${ratio('processor')} times, memory ${ratio('megabytes')} times`);
  console.log(digests.size === 1 ? 'the same text' : 'NOT the same text');
}
