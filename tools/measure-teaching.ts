/**
 * What the data engine's output is worth: a small model learns once from what the engine wrote about scenes of
 * RexWorld and once from the world's own labels of the same scenes, for the same steps; both are asked about other
 * scenes.
 *
 *     npx tsx tools/measure-teaching.ts --out runs/teaching [--scenes 200] [--steps 150] [--count 40]
 *       [--seed 90210] [--from engine,labels]
 *
 * The engine sees image files and nothing else; the bundled `nano` plays every role. Both models begin as `nano` with
 * the last two of its six language layers new, so that it finds and names nothing; encoders stay as they are. A
 * language model from nothing would need hours. Everything is kept in the folder: the same command continues.
 */

import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chatRexPresets } from '../src/chatrex/config.ts';
import { highEncoder, lowEncoder } from '../src/chatrex/network.ts';
import { ChatRex, modelFolder } from '../src/chatrex.ts';
import { progressBar } from '../src/cli/progress.ts';
import type { DatasetSpec } from '../src/datasets/dataset.ts';
import { writeNamed } from '../src/files.ts';
import { loadProposalNetwork } from '../src/proposals/load-proposal-network.ts';
import { exportRun } from '../src/rexverse/export/export-run.ts';
import { loadPrompts } from '../src/rexverse/prompts.ts';
import { renderSceneFiles } from '../src/rexverse/quality/render-scenes.ts';
import { runRexverse } from '../src/rexverse/run.ts';
import { parseModel } from '../src/rexverse/settings.ts';
import { defaultDescribeOptions } from '../src/rexverse/stages/describe.ts';
import { defaultGroundOptions } from '../src/rexverse/stages/ground.ts';
import { exportMllm } from '../src/training/export.ts';
import { weightsOf } from '../src/training/initial-weights.ts';
import type { MllmTraining } from '../src/training/mllm/config.ts';
import { tokenizerFile } from '../src/training/mllm/tokenizer.ts';
import { trainStage } from '../src/training/parallel/threads.ts';
import { runFile } from '../src/training/run.ts';
import { evaluateWorld, type WorldReport } from '../src/world/evaluation/evaluate-world.ts';

const { values: options } = parseArgs({
  options: {
    out: { type: 'string' },
    scenes: { type: 'string', default: '200' },
    steps: { type: 'string', default: '150' },
    count: { type: 'string', default: '40' },
    seed: { type: 'string', default: '90210' },
    from: { type: 'string', default: 'engine,labels' },
    json: { type: 'boolean', default: false },
  },
});
if (options.out === undefined) throw new Error('give a folder: npx tsx tools/measure-teaching.ts --out runs/teaching');
const out = options.out;
const [scenes, steps, count, seed] = [options.scenes, options.steps, options.count, options.seed].map(Number);
const nano = modelFolder('nano');
const cacheFolder = join(out, 'cache');
/** Scenes that are asked about; of another split than those that are learned from. */
const judgedSeed = 7;
/** What of nano the models begin with: all but the last two layers of its language model. */
const kept = [
  ...[highEncoder, lowEncoder, 'mm_fusion', 'mm_projector', 'mm_object_projector', 'mm_object_place'],
  ...['model.embed_tokens', 'model.layers.0', 'model.layers.1', 'model.layers.2', 'model.layers.3', 'model.norm'],
].map((part) => `${part}.`);

const report: Record<string, WorldReport> = {};
const teachers: Readonly<Record<string, () => Promise<DatasetSpec>>> = {
  engine: async () => ({ format: 'json-lines', options: { path: await annotate() } }),
  labels: async () => ({ format: 'world', options: { split: 'train', seed, size: scenes } }),
};
for (const name of options.from.split(',')) report[name] = await judge(name, await teach(name, await teachers[name]()));
if (options.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
else print();

/** Lets the engine annotate the scenes, and exports what it wrote. */
async function annotate(): Promise<string> {
  const images = join(out, 'scenes');
  await renderSceneFiles(images, { split: 'train', seed, scenes });
  const spec = await parseModel('nano', modelFolder);
  const bar = progressBar('annotate', scenes);
  const { folder } = await runRexverse({
    source: images,
    out: join(out, 'engine'),
    limit: scenes,
    workers: 1,
    settings: {
      prompts: await loadPrompts(),
      roles: { captioner: spec, grounder: spec, describer: spec, writer: spec },
      // Scenes are images of 256 pixels before plain backgrounds: what is meant for the web stays off.
      filters: { minSide: 1, maxAspect: 1000, duplicateBits: -1, maxPlainWhite: 1 },
      ground: defaultGroundOptions,
      describe: defaultDescribeOptions,
    },
    onProgress: ({ done, filtered, failed }) => bar.update(done + filtered + failed),
  });
  bar.end('done');
  const path = join(out, 'engine.jsonl');
  await rm(path, { force: true });
  await exportRun(folder, 'jsonl', path);
  return path;
}

/** Trains a new language model on nano's encoders. @returns the model's folder */
async function teach(name: string, data: DatasetSpec): Promise<string> {
  const run = join(out, `run-${name}`);
  const model = join(out, `model-${name}`);
  if (existsSync(join(model, 'config.json'))) return model;
  await mkdir(run, { recursive: true });
  await copyFile(tokenizerFile(nano), tokenizerFile(run));
  const bar = progressBar(`learn from ${name}`, steps);
  await trainStage('align', trainingOf(data), {
    folder: run,
    cacheFolder,
    dataRoot: out,
    proposer: nano,
    resume: existsSync(runFile(run)),
    initial: await Promise.all(kept.map((part) => weightsOf(nano, { from: part, to: part }))),
    onProgress: ({ step, metrics }) => bar.update(step, `answering ${metrics.answering?.toPrecision(3)}`),
  });
  bar.end('done');
  await exportMllm(run, model);
  await cp(join(nano, 'upn'), join(model, 'upn'), { recursive: true });
  return model;
}

function trainingOf(data: DatasetSpec): MllmTraining {
  return {
    ...{ seed: 1, steps, learningRate: 1e-3, warmupSteps: 20, finalRate: 0.05, maxNorm: 1, weightDecay: 0.02 },
    ...{ validateEvery: steps, parts: 2, batchSize: 2, room: 256, proposals: 12, foundShare: 0.7 },
    ...{ namingWeight: 0, boxJitter: 0.05, encodersLearn: false, lessons: [] },
    model: chatRexPresets.nano,
    data: [{ data, weight: 1 }],
    mixture: { detection: 3, 'phrase-grounding': 2, referring: 3, 'region-caption': 4 },
  };
}

async function judge(name: string, folder: string): Promise<WorldReport> {
  const path = join(out, `figures-${name}-${count}.json`);
  const known = await readFile(path, 'utf8').catch(() => undefined);
  if (known !== undefined) return JSON.parse(known) as WorldReport;
  const chatrex = await ChatRex.load(folder, { session: { threads: 1 } });
  const upn = await loadProposalNetwork(join(folder, 'upn'), { session: { threads: 1 } });
  const bar = progressBar(`ask ${name}`, count);
  try {
    const tasks = ['detection', 'referring', 'region-category'] as const;
    const figures = await evaluateWorld(
      { chatrex, upn },
      // In the wordings of training: what is compared is what was taught, not how well it is understood.
      { seed: judgedSeed, count, tasks, phrasings: 'seen', cacheFolder, onProgress: (done) => bar.update(done) },
    );
    await writeNamed(path, `${JSON.stringify(figures, null, 2)}\n`);
    return figures;
  } finally {
    bar.end('done');
    await chatrex.dispose();
    await upn.dispose();
  }
}

function print(): void {
  const names = Object.keys(report);
  process.stdout.write(`${''.padEnd(44)}${names.map((name) => name.padStart(10)).join('')}\n`);
  for (const [at, { task, variant, figures }] of report[names[0]].results.entries()) {
    for (const figure of Object.keys(figures)) {
      const cells = names.map((name) => report[name].results[at].figures[figure]?.toFixed(3).padStart(10) ?? '-');
      process.stdout.write(`${`${task} (${variant}) ${figure}`.padEnd(44)}${cells.join('')}\n`);
    }
  }
}
