/**
 * Trains the classifier of low-content images on plain white, chooses its threshold on validation images, and says how
 * good it is on images that neither has seen.
 *
 *     npx tsx tools/plain-white/train.ts FOLDER... [--out models/plain-white/model.json] [--steps 800] [--scale 1]
 *     npx tsx tools/plain-white/train.ts FOLDER... --draw val      only draws the examples of a part, to do so side by side
 *     npx tsx tools/plain-white/train.ts FOLDER... --measure models/plain-white/model.json
 *
 * Folders hold photographs; an `instances.json` in them gives things to cut out.
 */

import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeNamed } from '../../src/files.ts';
import { linear } from '../../src/nn/linear.ts';
import { createScope } from '../../src/nn/scope.ts';
import { createRandom } from '../../src/random.ts';
import { statisticNames } from '../../src/rexverse/collect/image-statistics.ts';
import { leastWhiteBorder, type PlainWhiteModel, probabilityOf } from '../../src/rexverse/collect/plain-white.ts';
import { hostTensor } from '../../src/runtime/host-tensor.ts';
import type { Feeds } from '../../src/runtime/session.ts';
import { input } from '../../src/tensor/ops/input.ts';
import { multiply } from '../../src/tensor/ops/multiply.ts';
import { reduceMean } from '../../src/tensor/ops/reduce-mean.ts';
import { relu } from '../../src/tensor/ops/relu.ts';
import { reshape } from '../../src/tensor/ops/reshape.ts';
import { softplus } from '../../src/tensor/ops/softplus.ts';
import { subtract } from '../../src/tensor/ops/subtract.ts';
import { runFeeds, runStage } from '../../src/training/run.ts';
import { type Example, examplesOf, type Part } from './examples.ts';

const { values: options, positionals: photos } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string', default: 'models/plain-white/model.json' },
    measure: { type: 'string' },
    steps: { type: 'string', default: '800' },
    scale: { type: 'string', default: '1' },
    draw: { type: 'string' },
    runs: { type: 'string', default: 'runs/plain-white' },
  },
});
if (photos.length === 0) throw new Error('give folders of photographs: npx tsx tools/plain-white/train.ts FOLDER...');
const steps = Number(options.steps);
const batchSize = 256;
/** Widths between statistics and logit: none is logistic regression. */
const candidates: readonly (readonly number[])[] = [[], [12]];
/** A photograph that is left out is lost; a logo that stays costs a few calls. */
const leastPrecision = 0.99;
const whiteBorder = statisticNames.indexOf('white border');

if (options.draw !== undefined) await shown(options.draw as Part);
else if (options.measure === undefined) await trainAndMeasure(options.out);
else {
  const examples = await shown('test');
  report(JSON.parse(readFileSync(options.measure, 'utf8')) as PlainWhiteModel, examples);
}

/** Examples of a part; drawn once, and kept in the folder of runs. */
async function shown(part: Part): Promise<Example[]> {
  const path = join(options.runs, `examples-${part}.json`);
  if (existsSync(path)) {
    const known = JSON.parse(readFileSync(path, 'utf8')) as (Example & { statistics: number[] })[];
    return known.map((one) => ({ ...one, statistics: Float64Array.from(one.statistics) }));
  }
  const examples = await examplesOf(part, photos, Number(options.scale), (done) =>
    process.stderr.write(`\r${part}: ${done} images`),
  );
  process.stderr.write('\n');
  await mkdir(options.runs, { recursive: true });
  await writeNamed(path, JSON.stringify(examples.map((one) => ({ ...one, statistics: [...one.statistics] }))));
  return examples;
}

async function trainAndMeasure(out: string): Promise<void> {
  const train = await shown('train');
  const val = await shown('val');
  let best: { model: PlainWhiteModel; recall: number } | undefined;
  for (const widths of candidates) {
    const model = withThreshold(await trained(train, widths), val);
    const { precision, recall } = measure(val, (one) => probabilityOf(one.statistics, model) >= model.threshold);
    const name = widths.length === 0 ? 'logistic regression' : `${widths.join(', ')} hidden`;
    process.stdout.write(
      `validation, ${name}: precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)} from ${model.threshold}\n`,
    );
    if (!best || recall > best.recall) best = { model, recall };
  }
  if (!best) return;
  await mkdir(dirname(out), { recursive: true });
  await writeNamed(out, `${JSON.stringify(best.model)}\n`);
  process.stdout.write(`${out}\n\n`);
  report(best.model, await shown('test'));
}

/** Images with a border that is not white at all are no question, so they are not learned from either. */
async function trained(examples: readonly Example[], widths: readonly number[]): Promise<PlainWhiteModel> {
  const asked = examples.filter(({ statistics }) => statistics[1] >= leastWhiteBorder);
  const count = statisticNames.length;
  const means = statisticNames.map((_, at) => rounded(meanOf(asked.map(({ statistics }) => statistics[at]))));
  const deviations = means.map((mean, at) =>
    rounded(Math.sqrt(meanOf(asked.map(({ statistics }) => (statistics[at] - mean) ** 2))) + 1e-3),
  );
  const sizes = [count, ...widths, 1];
  const scope = createScope();
  const maps = sizes.slice(1).map((size, at) => linear(scope.at('layers').at(at), sizes[at], size));
  const values = input('statistics', 'float32', ['batch', count]);
  const labels = input('labels', 'float32', ['batch']);
  const hidden = maps.slice(0, -1).reduce((x, map) => relu(map(x)), values);
  const logits = reshape(maps[maps.length - 1](hidden), labels.shape);
  const loss = reduceMean(subtract(softplus(logits), multiply(logits, labels)));
  const groups = [true, false].map((isPlain) => asked.filter((one) => one.isPlain === isPlain));
  const batch = (step: number): Feeds => {
    const random = createRandom(`plain white batch ${step}`);
    const chosen = Array.from({ length: batchSize }, (_, at) => random.pick(groups[at % 2]));
    const rows = chosen.flatMap(({ statistics }) =>
      Array.from(statistics, (v, at) => (v - means[at]) / deviations[at]),
    );
    return {
      statistics: hostTensor('float32', [batchSize, count], rows),
      labels: hostTensor(
        'float32',
        [batchSize],
        chosen.map(({ isPlain }) => Number(isPlain)),
      ),
    };
  };
  const folder = join(options.runs, `hidden-${widths.join('-') || 'none'}`);
  await rm(folder, { recursive: true, force: true });
  const { parameters } = await runStage(
    {
      name: 'plain-white',
      settings: {
        ...{ seed: 1, steps, learningRate: 1e-2, warmupSteps: 20, finalRate: 0.01 },
        ...{ maxNorm: 1, weightDecay: 0.01, validateEvery: steps },
      },
      graphs: [{ loss, metrics: {} }],
      makeBatch: async (step) => batch(step),
      run: runFeeds,
    },
    { folder },
  );
  const layers = sizes.slice(1).map((size, at) => {
    const weight = parameters.get(`layers.${at}.weight`)?.data ?? [];
    const bias = parameters.get(`layers.${at}.bias`)?.data ?? [];
    const row = (output: number) => Array.from(weight.slice(output * sizes[at], (output + 1) * sizes[at]), rounded);
    return { weight: Array.from({ length: size }, (_, output) => row(output)), bias: Array.from(bias, rounded) };
  });
  return { statistics: statisticNames, means, deviations, layers, threshold: 0.5 };
}

/** The lowest threshold with the wanted precision. */
function withThreshold(model: PlainWhiteModel, examples: readonly Example[]): PlainWhiteModel {
  const scored = examples.map((one) => ({ one, score: probabilityOf(one.statistics, model) }));
  for (let threshold = 0.05; threshold < 1; threshold += 0.01) {
    const kept = new Set(scored.filter(({ score }) => score >= threshold).map(({ one }) => one));
    if (measure(examples, (one) => kept.has(one)).precision >= leastPrecision) {
      return { ...model, threshold: rounded(threshold) };
    }
  }
  return { ...model, threshold: 0.99 };
}

function measure(examples: readonly Example[], isLeftOut: (one: Example) => boolean) {
  const out = examples.filter(isLeftOut);
  const right = out.filter(({ isPlain }) => isPlain).length;
  const all = examples.filter(({ isPlain }) => isPlain).length;
  return { precision: out.length === 0 ? 1 : right / out.length, recall: right / all };
}

/** Beside the rule that an image is left out when more than nine tenths of its border are white. */
function report(model: PlainWhiteModel, examples: readonly Example[]): void {
  const byModel = (one: Example) => probabilityOf(one.statistics, model) >= model.threshold;
  const byRule = (one: Example) => one.statistics[whiteBorder] > 0.9;
  const line = (name: string, cells: readonly string[]) =>
    process.stdout.write(`${name.padEnd(36)}${cells.map((cell) => cell.padStart(16)).join('')}\n`);
  line(`test, ${examples.length} images`, ['network', 'border > 0.9']);
  const [network, rule] = [measure(examples, byModel), measure(examples, byRule)];
  for (const figure of ['precision', 'recall'] as const) {
    line(figure, [network[figure].toFixed(3), rule[figure].toFixed(3)]);
  }
  for (const kind of [...new Set(examples.map((one) => one.kind))]) {
    const some = examples.filter((one) => one.kind === kind);
    const left = (isOut: (one: Example) => boolean) => `${some.filter(isOut).length} of ${some.length}`;
    line(`${some[0].isPlain ? 'left out' : 'wrongly left out'}: ${kind}`.slice(0, 46), [left(byModel), left(byRule)]);
  }
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
