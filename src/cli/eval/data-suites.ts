/** `chatrex eval proposals|coco|regions|counting|referring`: suites that any data set can be put to. */

import { Command, Option } from 'commander';
import { baselineStyles } from '../../evaluation/baselines/styles.ts';
import { cocoSuite } from '../../evaluation/data-suites/coco.ts';
import { countingSuite } from '../../evaluation/data-suites/counting.ts';
import { proposalsSuite } from '../../evaluation/data-suites/proposals.ts';
import { referringSuite } from '../../evaluation/data-suites/referring.ts';
import { regionsSuite } from '../../evaluation/data-suites/regions.ts';
import type { ModelSubjectOptions } from '../../evaluation/model-subject.ts';
import { fixedCap } from '../../evaluation/suites/detection.ts';
import { SentenceEncoder } from '../../language/sentence-encoder.ts';
import { fraction, whole } from '../option-types.ts';
import { proposalKinds } from './open-model.ts';
import {
  type EndpointCommandOptions,
  endpointCommand,
  runAskedSuite,
  runHelp,
  runModelSuite,
  type SuiteOptions,
  suiteCommand,
} from './suite-command.ts';

type LanguageOptions = EndpointCommandOptions & Pick<ModelSubjectOptions, 'granularity' | 'minScore' | 'maxTokens'>;

/** Options of suites that ask the language model. */
function languageCommand(command: Command): Command {
  return endpointCommand(command)
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
      return runAskedSuite(cocoSuite({ ...asked, rule: 'lvis', cap }), options, { ...settingsOf(options), ...asked });
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
    await runAskedSuite(regionsSuite({ perImage, encode }), options, settings);
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
