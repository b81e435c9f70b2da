/** `chatrex eval proposals|coco|regions|counting|referring`: suites that any data set can be put to. */

import { Command, Option } from 'commander';
import { ChatRexError } from '../../errors.ts';
import { baselineStyles } from '../../evaluation/baselines/styles.ts';
import { cocoSuite } from '../../evaluation/data-suites/coco.ts';
import { countingSuite } from '../../evaluation/data-suites/counting.ts';
import { humanrefDataset, humanrefName, humanrefSuite } from '../../evaluation/data-suites/humanref.ts';
import { proposalsSuite } from '../../evaluation/data-suites/proposals.ts';
import { referringSuite } from '../../evaluation/data-suites/referring.ts';
import { regionsSuite } from '../../evaluation/data-suites/regions.ts';
import type { ModelSubjectOptions } from '../../evaluation/model-subject.ts';
import { fixedCap } from '../../evaluation/suites/detection.ts';
import { readAllRecords } from '../../evaluation/suites/record-files.ts';
import { SentenceEncoder } from '../../language/sentence-encoder.ts';
import { fraction, whole } from '../option-types.ts';
import { describeModel, proposalKinds } from './open-model.ts';
import {
  type EndpointCommandOptions,
  endpointCommand,
  endpointOptions,
  runAskedSuite,
  runHelp,
  runModelSuite,
  runOptions,
  type SuiteOptions,
  suiteCommand,
} from './suite-command.ts';

type LanguageOptions = EndpointCommandOptions & Pick<ModelSubjectOptions, 'granularity' | 'minScore' | 'maxTokens'>;

/** Options of suites that ask the language model. */
function languageCommand(command: Command): Command {
  return languageOptions(endpointCommand(command));
}

/** The same for a suite that brings its own data. */
function languageRunCommand(command: Command): Command {
  return languageOptions(endpointOptions(runOptions(command)));
}

function languageOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--granularity <kind>',
        'boxes that the language model gets; the model’s own choice by default',
      ).choices(['fine', 'coarse', 'both']),
    )
    .option('--min-score <score>', 'least score of these boxes; the model’s own by default', fraction)
    .option(
      '--max-tokens <n>',
      'longest answer; 512 by default, or what the authors of a style allow',
      whole(1, 100_000),
    );
}

const settingsOf = ({ granularity, minScore, maxTokens }: LanguageOptions) => ({
  ...(granularity !== undefined && { granularity }),
  ...(minScore !== undefined && { minScore }),
  ...(maxTokens !== undefined && { maxTokens }),
});

const helpWith = (examples: readonly string[]) => `
Examples:
${examples.map((line) => `  ${line}\n`).join('')}${runHelp}`;

export function proposalsCommand(): Command {
  return suiteCommand(new Command('proposals'))
    .description('what the proposal network finds: class-agnostic AP and recall, for fine, coarse and both')
    .addHelpText('after', helpWith(['chatrex eval proposals --data coco:instances.json,images=photos --upn runs/upn']))
    .action(async (options: SuiteOptions) => {
      const kinds = await proposalKinds(options.model, options.upn);
      return runModelSuite(proposalsSuite(kinds), options, {});
    });
}

interface CocoOptions extends LanguageOptions {
  vocabulary?: boolean;
  namesPerQuestion?: number;
}

interface LvisOptions extends CocoOptions {
  fixed?: boolean;
  perClass: number;
}

/** Options of detection by names. */
function detectionCommand(command: Command): Command {
  return languageCommand(command)
    .option('--vocabulary', 'ask for every name that the annotation knows about; by default those that the image has')
    .option(
      '--names-per-question <n>',
      'most names of a question; all by default, 8 with --vocabulary',
      whole(1, 10_000),
    );
}

function askedNames(options: CocoOptions) {
  const { vocabulary: isVocabulary = false, namesPerQuestion = oneByOne(options) } = options;
  return { isVocabulary, ...(namesPerQuestion !== undefined && { namesPerQuestion }) };
}

export function cocoCommand(): Command {
  return detectionCommand(new Command('coco'))
    .description('detection by names under COCO’s rules, on any data set with boxes and names')
    .addHelpText(
      'after',
      helpWith([
        'chatrex eval coco --data coco:instances_val2017.json,images=val2017 --out runs/coco',
        'chatrex eval coco --data yolo:data.yaml,split=val --vocabulary --limit 100 --json',
        'chatrex eval coco --data coco:instances.json,images=photos --endpoint http://localhost:8000/v1#m --style qwen2-vl',
      ]),
    )
    .action((options: CocoOptions) => {
      const asked = askedNames(options);
      return runAskedSuite(cocoSuite(asked), options, { ...settingsOf(options), ...asked });
    });
}

export function lvisCommand(): Command {
  return detectionCommand(new Command('lvis'))
    .description('detection by names under LVIS’s rules: official, or fixed AP')
    .option('--fixed', 'keep the best detections of a class instead of 300 of an image')
    .option('--per-class <n>', 'with --fixed, how many of a class', whole(1, 2 ** 31), 10_000)
    .addHelpText(
      'after',
      helpWith(['chatrex eval lvis --data lvis:lvis_v1_minival.json,images=val2017 --fixed --out runs/lvis']),
    )
    .action((options: LvisOptions) => {
      const asked = askedNames(options);
      const cap = options.fixed ? fixedCap(options.perClass) : undefined;
      const scoring = options.fixed ? { perClass: options.perClass } : {};
      const suite = cocoSuite({ ...asked, rule: 'lvis', cap });
      return runAskedSuite(suite, options, { ...settingsOf(options), ...asked }, { scoring });
    });
}

/** 1 for a style that asks for names one by one, so that each answer is a row. */
function oneByOne({ endpoint, style = '' }: CocoOptions): number | undefined {
  const asksEach = (baselineStyles[style]?.questions(['a', 'b']).length ?? 1) > 1;
  return endpoint !== undefined && asksEach ? 1 : undefined;
}

export function regionsCommand(): Command {
  return endpointCommand(new Command('regions'))
    .description('the category of given boxes, in free words')
    .option('--per-image <n>', 'boxes of an image that are asked for; all by default', whole(1, 10_000))
    .option('--max-tokens <n>', 'longest answer', whole(1, 100_000), 64)
    .option('--encoder <folder>', 'all-MiniLM-L6-v2, for semantic similarity')
    .addHelpText('after', helpWith(['chatrex eval regions --data lvis:lvis_val_1k_category.json,images=photos']))
    .action(runRegions);
}

interface RegionOptions extends EndpointCommandOptions {
  perImage?: number;
  maxTokens: number;
  encoder?: string;
}

async function runRegions({ perImage, maxTokens, encoder: folder, ...options }: RegionOptions): Promise<void> {
  const encoder = folder === undefined ? undefined : await SentenceEncoder.load(folder);
  try {
    const encode = encoder && ((texts: readonly string[]) => encoder.encode(texts));
    const settings = { maxTokens, ...(perImage !== undefined && { perImage }) };
    const scoring = folder === undefined ? {} : { encoder: folder };
    await runAskedSuite(regionsSuite({ perImage, encode }), options, settings, { scoring });
  } finally {
    await encoder?.dispose();
  }
}

export function countingCommand(): Command {
  return languageCommand(new Command('counting'))
    .description('how many there are of each category that an image has')
    .addHelpText('after', helpWith(['chatrex eval counting --data coco:instances.json,images=photos --limit 50']))
    .action((options: LanguageOptions) => runAskedSuite(countingSuite(), options, settingsOf(options)));
}

export function referringCommand(): Command {
  return languageCommand(new Command('referring'))
    .description('what phrases mean: the first box, all boxes, and phrases that mean nothing')
    .addHelpText('after', helpWith(['chatrex eval referring --data json-lines:phrases.jsonl,images=photos']))
    .action((options: LanguageOptions) => runAskedSuite(referringSuite(), options, settingsOf(options)));
}

interface HumanrefOptions extends LanguageOptions {
  truth: string[];
  images: string;
  candidates?: boolean;
  as?: string;
}

export function humanrefCommand(): Command {
  return languageRunCommand(new Command(humanrefName))
    .description('HumanRef: phrases that mean several people, one, or nobody')
    .requiredOption('--truth <files...>', 'annotations.jsonl')
    .requiredOption('--images <folder>', 'its images')
    .option('--candidates', 'let the model choose among all people of the annotation, as RexSeek’s script does')
    .addOption(
      new Option(
        '--as <name>',
        'ask for this name in the place of every phrase: --as person is what a detector alone can do',
      ).conflicts('candidates'),
    )
    .addHelpText(
      'after',
      helpWith([
        'chatrex eval humanref --truth annotations.jsonl --images images --out runs/humanref',
        'chatrex eval humanref --truth annotations.jsonl --images images --model photo --as person',
        'chatrex eval humanref --truth annotations.jsonl --images images --endpoint http://localhost:8080/v1#nano',
      ]),
    )
    .action(runHumanref);
}

async function runHumanref(options: HumanrefOptions): Promise<void> {
  const { truth, images, candidates = false, as: name } = options;
  const read = humanrefDataset(await readAllRecords(truth), images);
  const suite = humanrefSuite(read, { isGivenCandidates: candidates, name });
  if (options.endpoint === undefined && name === undefined) await requireLanguage(options.model);
  const settings = { ...settingsOf(options), ...(candidates && { candidates }), ...(name !== undefined && { name }) };
  await runAskedSuite(suite, options, settings, { dataset: read.data, spec: { truth, images } });
}

/** A detector alone answers a phrase with nothing, which would count as a rejection. */
async function requireLanguage(model: string): Promise<void> {
  if ('languageModel' in (await describeModel(model))) return;
  const message = `${model} is a detector alone, which understands no phrase`;
  throw new ChatRexError('unsupported', `humanref: ${message}; --as person finds all people, or name another --model`);
}

export function refcocoCommand(): Command {
  return languageCommand(new Command('refcoco'))
    .description('RefCOCO, RefCOCO+, RefCOCOg: one sentence, one box')
    .addHelpText(
      'after',
      helpWith([
        "chatrex eval refcoco --data 'refcoco:refs(unc).p,instances=instances.json,split=testA,images=train2014'",
      ]),
    )
    .action((options: LanguageOptions) =>
      runAskedSuite(referringSuite({ name: 'refcoco', kinds: ['referring'] }), options, settingsOf(options)),
    );
}
