/** `chatrex train`: the stages of training, from a named configuration or from one of the user's own. */

import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { highEncoder, lowEncoder } from '../chatrex/network.ts';
import { modelFolder } from '../chatrex.ts';
import { readMixture } from '../datasets/mixture-spec.ts';
import { parseSpec } from '../datasets/spec.ts';
import { ChatRexError } from '../errors.ts';
import { locateNetwork } from '../proposals/locate.ts';
import { type InitialWeights, weightsOf } from '../training/initial-weights.ts';
import { configNames, loadStageConfig } from '../training/load-config.ts';
import type { Metrics } from '../training/metrics.ts';
import { languageWeightsOf } from '../training/mllm/language-weights.ts';
import { tokenizerFile } from '../training/mllm/tokenizer.ts';
import { Mpi } from '../training/parallel/mpi.ts';
import { trainStage } from '../training/parallel/threads.ts';
import { requireRunFolder } from '../training/run.ts';
import type { StageConfigs, StageName } from '../training/stages.ts';
import { upnBackbone } from '../training/upn/stage.ts';
import { interruptedStatus, interruptible } from './interruption.ts';
import { oneLine } from './one-line.ts';
import { whole } from './option-types.ts';
import { progressBar } from './progress.ts';

interface TrainOptions {
  config?: string;
  data?: string[];
  val?: string;
  root?: string;
  out: string;
  resume?: boolean;
  cache: string;
  steps?: number;
  scenes?: number;
  workers?: number;
  backbone?: string;
  vision?: string;
  detector?: string;
  upn?: string;
  encoder?: string;
  from?: string;
  proposer?: string;
  language?: string;
}

export function trainCommand(): Command {
  const train = new Command('train').description(
    'train a part of the model; stop it at any moment and continue with --resume; exit status 4: it has diverged',
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
    .option('--vision <run>', 'run folder of `train vision` that the encoders come from')
    .option('--detector <model>', 'model folder whose detector is the encoder, and its classifier the other, as photo')
    .option('--upn <run>', 'run folder of `train upn` whose backbone, which went on learning, is the fine encoder')
    .option('--proposer <model>', 'model folder whose proposal network finds the boxes beside the objects')
    .option(
      '--language <model>',
      'model folder whose language model and words it starts from: a ChatRex as nano, or a Llama',
    )
    .action(async (options: TrainOptions) => {
      const language =
        options.language === undefined ? [] : await languageWeightsOf(modelFolder(options.language), options.out);
      await runTraining('align', options, [...(await encoderWeights(options)), ...language]);
    });
  stageCommand(train, 'instruct', 'the whole model learns to answer')
    .requiredOption('--from <run>', 'run folder of `train align` or `train instruct`, or a model folder')
    .option('--proposer <model>', 'model folder whose proposal network finds the boxes beside the objects')
    .action(async (options: TrainOptions) => {
      const from = options.from as string;
      const initial = [await weightsOf(from)];
      await runTraining('instruct', options, initial, async () => {
        await requireRunFolder(options.out, options.resume);
        await copyFile(tokenizerFile(from), tokenizerFile(options.out));
      });
    });
  return train.addHelpText(
    'after',
    `
Examples:
  chatrex train vision --config nano --out runs/vision
  chatrex train upn --config nano --backbone runs/vision --out runs/upn
  chatrex train upn --config nano --backbone runs/vision --out runs/upn --resume
  chatrex train upn --config nano --from models/nano/upn --encoder models/nano --out runs/upn
  chatrex train upn --data coco:instances.json,images=photos --from models/nano/upn --out runs/mine
  chatrex train align --config nano --vision runs/vision --upn runs/upn --out runs/align
  chatrex train instruct --config nano --from runs/align --out runs/instruct
  chatrex train align --config photos --detector models/photo --proposer models/photo --data coco:instances.json,images=photos --out runs/align
  mpirun -n 2 chatrex train upn --config nano --backbone runs/vision --out runs/upn   several machines: docs/scaling.md
  chatrex train upn --config ./my-upn.js --out runs/mine     a module whose default export is a configuration`,
  );
}

/**
 * Where the encoders of a multimodal model come from: a run that taught them, or a detector that knows its things
 * already.
 */
async function encoderWeights({ vision, detector, upn }: TrainOptions): Promise<InitialWeights[]> {
  if ((vision === undefined) === (detector === undefined)) {
    throw new ChatRexError(
      'invalid-argument',
      'train align: give --vision or --detector, where the encoders come from',
    );
  }
  if (detector !== undefined) {
    const { path } = await locateNetwork(detector);
    // A classifier beside the detector, where the configuration has one, is in the model's own weights.
    const classifier = await weightsOf(modelFolder(detector), { from: `${lowEncoder}.`, to: `${lowEncoder}.` });
    return [await weightsOf(path, { to: `${highEncoder}.` }), classifier];
  }
  const trained = vision as string;
  return [
    upn
      ? await weightsOf(upn, { from: upnBackbone, to: `${highEncoder}.` })
      : await weightsOf(trained, { from: 'high.', to: `${highEncoder}.` }),
    await weightsOf(trained, { from: 'low.', to: `${lowEncoder}.` }),
  ];
}

const anyCount = whole(1, Number.MAX_SAFE_INTEGER);

const stageCommand = (parent: Command, name: StageName, description: string): Command =>
  parent
    .command(name)
    .description(description)
    .option('--config <name|file>', `a configuration: ${configNames(name).join(', ')}, or a module`)
    .option(
      '--data <spec>',
      'data in place of the configuration’s: FORMAT:PATH,option=value, or a mixture file; may be repeated',
      (text: string, before: string[] = []) => [...before, text],
    )
    .option('--val <spec>', 'data that figures are taken on while it trains')
    .option('--root <folder>', 'what relative paths of the data are relative to; here by default')
    .requiredOption('--out <folder>', 'run folder: checkpoint, metrics.jsonl, curves.png, run.json')
    .option('--resume', 'continue the run in the folder')
    .option(
      '--cache <folder>',
      'where indexes, rendered scenes, proposals and features are kept',
      join('runs', 'cache'),
    )
    .option('--steps <n>', 'number of steps in place of the configuration’s', anyCount)
    .option('--scenes <n>', 'number of scenes of RexWorld in place of the configuration’s', anyCount)
    .option('--workers <n>', 'worker threads; one for each core by default. Any number gives the same bits', anyCount);

/** Samples of the validation data that figures are taken on. */
const validationCount = 100;
/** Exit status of a run that has diverged. */
const divergedStatus = 4;

/** @param prepare the run folder, by one process alone where several train together */
async function runTraining<Name extends StageName>(
  name: Name,
  options: TrainOptions,
  initial?: readonly InitialWeights[],
  prepare?: () => Promise<void>,
): Promise<void> {
  const ranks = await Mpi.join(process.env);
  try {
    if (!ranks || ranks.rank === 0) await prepare?.();
    await ranks?.gather('');
    await trainByConfig(name, options, { initial, ranks });
  } catch (error) {
    const hasDiverged = error instanceof ChatRexError && error.code === 'diverged';
    if (ranks) {
      const { rank, size } = ranks;
      const line = `\nchatrex: rank ${rank} of ${size}: ${oneLine((error as Error).message)}; all ranks end\n`;
      process.stderr.write(line, () => ranks.abort(hasDiverged ? divergedStatus : 1));
      return;
    }
    if (!hasDiverged) throw error;
    process.stderr.write(`\nchatrex: ${error.message}\n`);
    process.exitCode = divergedStatus;
  }
  await ranks?.finalize();
}

async function trainByConfig<Name extends StageName>(
  name: Name,
  options: TrainOptions,
  { initial, ranks }: { initial?: readonly InitialWeights[]; ranks?: Mpi },
): Promise<void> {
  const { data, val, root, steps, scenes } = options;
  const config = await loadStageConfig(name, options.config ?? defaultConfig(name, data), {
    steps,
    scenes,
    data: data && (await readMixture(data, root)),
    validation: val === undefined ? undefined : { data: parseSpec(val), count: validationCount },
  });
  const bar = ranks && ranks.rank > 0 ? undefined : progressBar(`train ${name}`, config.steps);
  const pace = paceOf(config);
  const { isComplete } = await interruptible((signal) =>
    trainStage(name, config, {
      folder: options.out,
      cacheFolder: options.cache,
      dataRoot: root,
      proposer: options.proposer,
      language: options.language && modelFolder(options.language),
      workers: options.workers,
      initial,
      ranks,
      resume: options.resume,
      signal,
      onStatus: bar?.status,
      onProgress: ({ step, metrics, seconds }) => {
        pace.note(metrics, seconds);
        bar?.update(step, describeMetrics(metrics));
      },
    }),
  );
  bar?.end(`${isComplete ? 'done' : 'stopped; continue with --resume'}: ${options.out}${pace.describe()}`);
  if (!isComplete) process.exitCode ??= interruptedStatus();
}

/** The configuration for data of one's own. */
function defaultConfig(name: StageName, data: readonly string[] | undefined): string {
  if (data !== undefined) return configNames(name).at(-1) as string;
  throw new ChatRexError(
    'invalid-argument',
    `train ${name}: give --config (${configNames(name).join(', ')}) or --data`,
  );
}

/**
 * How fast steps are: images and, where a language model learns, tokens of its sequences, both of all parts of a step.
 */
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
