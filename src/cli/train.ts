/** `chatrex train`: the stages of training, from a named configuration or from one of the user's own. */

import { copyFile, mkdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Command } from 'commander';
import { ChatRexError } from '../errors.ts';
import { nanoAlign, nanoInstruct } from '../training/configs/nano-mllm.ts';
import { nanoUpn } from '../training/configs/nano-upn.ts';
import { nanoVision } from '../training/configs/nano-vision.ts';
import { trainMllm } from '../training/mllm/stage.ts';
import { tokenizerFile } from '../training/mllm/tokenizer.ts';
import type { StageOptions, StageSettings } from '../training/stage.ts';
import { checkpointFile } from '../training/train.ts';
import { trainUpn } from '../training/upn/stage.ts';
import { trainVision } from '../training/vision/stage.ts';
import { progressBar } from './progress.ts';

interface TrainOptions {
  config: string;
  out: string;
  resume?: boolean;
  cache: string;
  steps?: number;
  backbone?: string;
  vision?: string;
  upn?: string;
  from?: string;
}

const configs = {
  vision: { nano: nanoVision },
  upn: { nano: nanoUpn },
  align: { nano: nanoAlign },
  instruct: { nano: nanoInstruct },
} as const;

/** Where encoders lie in the checkpoint of a run, and where they go in the model. */
const highEncoder = 'vision_tower_aux.';
const lowEncoder = 'vision_tower.vision_tower.';

export function trainCommand(): Command {
  const train = new Command('train').description(
    'train a part of the model; stop it at any moment and go on with --resume',
  );
  stageCommand(train, 'vision', 'image encoders learn to name what is in scenes').action((options: TrainOptions) =>
    runTraining('vision', options, (config, stage) => trainVision(config, options.cache, stage)),
  );
  stageCommand(train, 'upn', 'the proposal network learns to find everything')
    .option('--backbone <run>', 'run folder of `train vision` that the backbone starts from')
    .option('--from <run>', 'run folder of `train upn` that everything starts from')
    .action((options: TrainOptions) =>
      runTraining('upn', options, (config, stage) => {
        const backboneFile = options.backbone && checkpointFile(options.backbone);
        const fromFile = options.from && checkpointFile(options.from);
        return trainUpn(config, options.cache, { ...stage, backboneFile, fromFile });
      }),
    );
  stageCommand(
    train,
    'align',
    'words, image tokens and object tokens learn to fit each other; encoders stay as they are',
  )
    .requiredOption('--vision <run>', 'run folder of `train vision` that the encoders come from')
    .option('--upn <run>', 'run folder of `train upn` whose backbone, which went on learning, is the fine encoder')
    .action((options: TrainOptions) => {
      const vision = checkpointFile(options.vision as string);
      const high = options.upn
        ? { file: checkpointFile(options.upn), from: 'parameters.backbone.model.backbone.', to: highEncoder }
        : { file: vision, from: 'parameters.high.', to: highEncoder };
      const initial = [high, { file: vision, from: 'parameters.low.', to: lowEncoder }];
      return runTraining('align', options, (config, stage) =>
        trainMllm('align', config, options.cache, { ...stage, initial }),
      );
    });
  stageCommand(train, 'instruct', 'the whole model learns to answer')
    .requiredOption('--from <run>', 'run folder of `train align`')
    .action(async (options: TrainOptions) => {
      const from = options.from as string;
      await mkdir(options.out, { recursive: true });
      await copyFile(tokenizerFile(from), tokenizerFile(options.out));
      const initial = [{ file: checkpointFile(from), from: 'parameters.', to: '' }];
      await runTraining('instruct', options, (config, stage) =>
        trainMllm('instruct', config, options.cache, { ...stage, initial }),
      );
    });
  return train.addHelpText(
    'after',
    `
Examples:
  chatrex train vision --config nano --out runs/vision
  chatrex train upn --config nano --backbone runs/vision --out runs/upn
  chatrex train upn --config nano --backbone runs/vision --out runs/upn --resume
  chatrex train align --config nano --vision runs/vision --upn runs/upn --out runs/align
  chatrex train instruct --config nano --from runs/align --out runs/instruct
  chatrex train upn --config ./my-upn.js --out runs/mine     a module whose default export is a configuration`,
  );
}

const stageCommand = (parent: Command, name: keyof typeof configs, description: string): Command =>
  parent
    .command(name)
    .description(description)
    .requiredOption('--config <name|file>', `a configuration: ${Object.keys(configs[name]).join(', ')}, or a module`)
    .requiredOption('--out <folder>', 'run folder: checkpoint, metrics.jsonl, curves.png, run.json')
    .option('--resume', 'go on with the run in the folder')
    .option('--cache <folder>', 'where rendered scenes are kept', join('runs', 'cache'))
    .option('--steps <n>', 'stop after so many steps instead of the configuration’s', Number);

async function runTraining<Name extends keyof typeof configs>(
  name: Name,
  options: TrainOptions,
  run: (config: (typeof configs)[Name]['nano'], stage: StageOptions) => Promise<{ isComplete: boolean }>,
): Promise<void> {
  const chosen = await loadConfig(name, options.config);
  const config = options.steps === undefined ? chosen : { ...chosen, steps: options.steps };
  const bar = progressBar(`train ${name}`, config.steps);
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const { isComplete } = await run(config, {
    folder: options.out,
    resume: options.resume,
    signal: interruption.signal,
    onStatus: bar.status,
    onProgress: ({ step, metrics }) => bar.update(step, describeMetrics(metrics)),
  });
  process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  bar.end(isComplete ? `done: ${options.out}` : `stopped; go on with --resume (${options.out})`);
  if (!isComplete) process.exitCode = 130;
}

const describeMetrics = (metrics: Readonly<Record<string, number>>): string =>
  Object.entries(metrics)
    .map(([name, value]) => `${name} ${value.toPrecision(3)}`)
    .join('  ');

async function loadConfig<Name extends keyof typeof configs>(
  stage: Name,
  name: string,
): Promise<(typeof configs)[Name]['nano']> {
  const named = (configs[stage] as Record<string, unknown>)[name];
  if (named) return named as (typeof configs)[Name]['nano'];
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
  return config as (typeof configs)[Name]['nano'];
}
