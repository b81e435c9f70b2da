/** `chatrex train`: the stages of training, from a named configuration or from one of the user's own. */

import { copyFile, mkdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Command } from 'commander';
import { highEncoder, lowEncoder } from '../chatrex/network.ts';
import { ChatRexError } from '../errors.ts';
import { nanoAlign, nanoInstruct } from '../training/configs/nano-mllm.ts';
import { nanoUpn } from '../training/configs/nano-upn.ts';
import { nanoVision } from '../training/configs/nano-vision.ts';
import { type InitialWeights, weightsOf } from '../training/initial-weights.ts';
import type { Metrics } from '../training/loop.ts';
import { tokenizerFile } from '../training/mllm/tokenizer.ts';
import { trainStage } from '../training/parallel/threads.ts';
import type { StageSettings } from '../training/run.ts';
import type { StageConfigs, StageName } from '../training/stages.ts';
import { upnBackbone } from '../training/upn/stage.ts';
import { interruptible } from './interruption.ts';
import { whole } from './option-types.ts';
import { progressBar } from './progress.ts';

interface TrainOptions {
  config: string;
  out: string;
  resume?: boolean;
  cache: string;
  steps?: number;
  scenes?: number;
  backbone?: string;
  vision?: string;
  upn?: string;
  encoder?: string;
  from?: string;
  proposer?: string;
}

const configs: { readonly [Name in StageName]: Readonly<Record<string, StageConfigs[Name]>> } = {
  vision: { nano: nanoVision },
  upn: { nano: nanoUpn },
  align: { nano: nanoAlign },
  instruct: { nano: nanoInstruct },
};

export function trainCommand(): Command {
  const train = new Command('train').description(
    'train a part of the model; stop it at any moment and go on with --resume',
  );
  stageCommand(train, 'vision', 'image encoders learn to name what is in scenes')
    .option('--from <run>', 'run folder of `train vision` that everything starts from')
    .option('--upn <run>', 'run folder of `train upn` whose backbone the fine encoder starts from')
    .action(async ({ from, upn, ...options }: TrainOptions) => {
      await runTraining('vision', options, [
        ...(from ? [await weightsOf(from)] : []),
        ...(upn ? [await weightsOf(upn, { from: upnBackbone, to: 'high.' })] : []),
      ]);
    });
  stageCommand(train, 'upn', 'the proposal network learns to find everything')
    .option('--backbone <run>', 'run folder of `train vision` that the backbone starts from')
    .option('--encoder <model>', 'multimodal run or model folder whose fine encoder the backbone starts from')
    .option('--from <run>', 'run folder of `train upn`, or upn/ of a model folder, that all else starts from')
    .action(async ({ backbone, encoder, from, ...options }: TrainOptions) => {
      await runTraining('upn', options, [
        ...(from ? [await weightsOf(from)] : []),
        ...(backbone ? [await weightsOf(backbone, { from: 'high.', to: upnBackbone })] : []),
        ...(encoder ? [await weightsOf(encoder, { from: `${highEncoder}.`, to: upnBackbone })] : []),
      ]);
    });
  stageCommand(
    train,
    'align',
    'words, image tokens and object tokens learn to fit each other; encoders stay as they are',
  )
    .requiredOption('--vision <run>', 'run folder of `train vision` that the encoders come from')
    .option('--upn <run>', 'run folder of `train upn` whose backbone, which went on learning, is the fine encoder')
    .option('--proposer <model>', 'model folder whose proposal network finds the boxes beside the objects')
    .action(async (options: TrainOptions) => {
      const vision = options.vision as string;
      await runTraining('align', options, [
        options.upn
          ? await weightsOf(options.upn, { from: upnBackbone, to: `${highEncoder}.` })
          : await weightsOf(vision, { from: 'high.', to: `${highEncoder}.` }),
        await weightsOf(vision, { from: 'low.', to: `${lowEncoder}.` }),
      ]);
    });
  stageCommand(train, 'instruct', 'the whole model learns to answer')
    .requiredOption('--from <run>', 'run folder of `train align` or `train instruct`, or a model folder')
    .option('--proposer <model>', 'model folder whose proposal network finds the boxes beside the objects')
    .action(async (options: TrainOptions) => {
      const from = options.from as string;
      await mkdir(options.out, { recursive: true });
      await copyFile(tokenizerFile(from), tokenizerFile(options.out));
      await runTraining('instruct', options, [await weightsOf(from)]);
    });
  return train.addHelpText(
    'after',
    `
Examples:
  chatrex train vision --config nano --out runs/vision
  chatrex train upn --config nano --backbone runs/vision --out runs/upn
  chatrex train upn --config nano --backbone runs/vision --out runs/upn --resume
  chatrex train upn --config nano --from models/nano/upn --encoder models/nano --out runs/upn
  chatrex train align --config nano --vision runs/vision --upn runs/upn --out runs/align
  chatrex train instruct --config nano --from runs/align --out runs/instruct
  chatrex train upn --config ./my-upn.js --out runs/mine     a module whose default export is a configuration`,
  );
}

const stageCommand = (parent: Command, name: StageName, description: string): Command =>
  parent
    .command(name)
    .description(description)
    .requiredOption('--config <name|file>', `a configuration: ${Object.keys(configs[name]).join(', ')}, or a module`)
    .requiredOption('--out <folder>', 'run folder: checkpoint, metrics.jsonl, curves.png, run.json')
    .option('--resume', 'go on with the run in the folder')
    .option('--cache <folder>', 'where rendered scenes are kept', join('runs', 'cache'))
    .option('--steps <n>', 'stop after so many steps instead of the configuration’s', whole(1, Number.MAX_SAFE_INTEGER))
    .option(
      '--scenes <n>',
      'draw from so many scenes instead of the configuration’s',
      whole(1, Number.MAX_SAFE_INTEGER),
    );

async function runTraining<Name extends StageName>(
  name: Name,
  options: TrainOptions,
  initial?: readonly InitialWeights[],
): Promise<void> {
  const chosen = await loadConfig(name, options.config);
  const { steps = chosen.steps, scenes = chosen.scenes } = options;
  const config = { ...chosen, steps, scenes };
  const bar = progressBar(`train ${name}`, config.steps);
  const pace = paceOf(config);
  const { isComplete } = await interruptible((signal) =>
    trainStage(name, config, {
      folder: options.out,
      cacheFolder: options.cache,
      proposer: options.proposer,
      initial,
      resume: options.resume,
      signal,
      onStatus: bar.status,
      onProgress: ({ step, metrics, seconds }) => {
        pace.note(metrics, seconds);
        bar.update(step, describeMetrics(metrics));
      },
    }),
  );
  bar.end(`${isComplete ? 'done' : 'stopped; go on with --resume'}: ${options.out}${pace.describe()}`);
  if (!isComplete) process.exitCode ??= 1;
}

/** How fast steps are: images and, where a language model learns, tokens of its sequences, both of all parts of a step. */
function paceOf(config: StageConfigs[StageName]) {
  const batchSize = 'vision' in config ? config.vision.batchSize : config.batchSize;
  let [steps, total, tokens] = [0, 0, 0];
  return {
    note: (metrics: Metrics, seconds: number) => {
      steps++;
      total += seconds;
      tokens += config.parts * (metrics.sequenceTokens ?? 0);
    },
    describe: (): string => {
      const images = steps * config.parts * batchSize;
      const rates = Object.entries({ images, tokens }).filter(([, count]) => count > 0);
      return rates.map(([name, count]) => `, ${(count / total).toFixed(1)} ${name}/s`).join('');
    },
  };
}

const describeMetrics = ({ sequenceTokens, ...metrics }: Metrics): string =>
  Object.entries(metrics)
    .map(([name, value]) => `${name} ${value.toPrecision(3)}`)
    .join('  ');

async function loadConfig<Name extends StageName>(stage: Name, name: string): Promise<StageConfigs[Name]> {
  const named = configs[stage][name];
  if (named) return named;
  const path = resolve(name);
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (!exists) {
    const known = Object.keys(configs[stage]).join(', ');
    throw new ChatRexError(
      'not-found',
      `no configuration '${name}' for train ${stage}; there is ${known}, or give a module`,
    );
  }
  const { default: config } = (await import(pathToFileURL(path).href)) as { default?: StageSettings };
  if (typeof config?.steps !== 'number' || typeof config.learningRate !== 'number') {
    throw new ChatRexError(
      'invalid-file',
      `${name}: expected a default export with the fields of the nano configuration`,
    );
  }
  return config as StageConfigs[Name];
}
