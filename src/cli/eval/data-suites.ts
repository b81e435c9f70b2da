/** `chatrex eval proposals|coco|regions|counting|referring`: suites that any data set can be put to. */

import { Command, Option } from 'commander';
import { cocoSuite } from '../../evaluation/data-suites/coco.ts';
import { countingSuite } from '../../evaluation/data-suites/counting.ts';
import { proposalsSuite } from '../../evaluation/data-suites/proposals.ts';
import { referringSuite } from '../../evaluation/data-suites/referring.ts';
import { regionsSuite } from '../../evaluation/data-suites/regions.ts';
import type { ModelSubjectOptions } from '../../evaluation/model-subject.ts';
import { fraction, whole } from '../option-types.ts';
import { proposalKinds } from './open-model.ts';
import { runHelp, runModelSuite, type SuiteOptions, suiteCommand } from './suite-command.ts';

type LanguageOptions = SuiteOptions & Pick<ModelSubjectOptions, 'granularity' | 'minScore' | 'maxTokens'>;

const defaultMaxTokens = 512;

/** Options of suites that ask the language model. */
function languageCommand(command: Command): Command {
  return suiteCommand(command)
    .addOption(
      new Option(
        '--granularity <kind>',
        'boxes that the language model gets; the model’s own choice by default',
      ).choices(['fine', 'coarse', 'both']),
    )
    .option('--min-score <score>', 'least score of these boxes; the model’s own by default', fraction)
    .option('--max-tokens <n>', 'longest answer', whole(1, 100_000), defaultMaxTokens);
}

const settingsOf = ({ granularity, minScore, maxTokens }: LanguageOptions) => ({
  ...(granularity !== undefined && { granularity }),
  ...(minScore !== undefined && { minScore }),
  maxTokens,
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

export function cocoCommand(): Command {
  return languageCommand(new Command('coco'))
    .description('detection by names under COCO’s rules, on any data set with boxes and names')
    .option('--vocabulary', 'ask for every name that the annotation knows about; by default those that the image has')
    .option(
      '--names-per-question <n>',
      'most names of a question; all by default, 8 with --vocabulary',
      whole(1, 10_000),
    )
    .addHelpText(
      'after',
      helpWith([
        'chatrex eval coco --data coco:instances_val2017.json,images=val2017 --out runs/coco',
        'chatrex eval coco --data yolo:data.yaml,split=val --vocabulary --limit 100 --json',
      ]),
    )
    .action((options: CocoOptions) => {
      const { vocabulary: isVocabulary = false, namesPerQuestion } = options;
      const asked = { isVocabulary, ...(namesPerQuestion !== undefined && { namesPerQuestion }) };
      return runModelSuite(cocoSuite(asked), options, { ...settingsOf(options), ...asked });
    });
}

export function regionsCommand(): Command {
  return suiteCommand(new Command('regions'))
    .description('the category of given boxes, in free words')
    .option('--per-image <n>', 'boxes of an image that are asked for; all by default', whole(1, 10_000))
    .option('--max-tokens <n>', 'longest answer', whole(1, 100_000), 64)
    .addHelpText('after', helpWith(['chatrex eval regions --data lvis:lvis_val_1k_category.json,images=photos']))
    .action((options: SuiteOptions & { perImage?: number; maxTokens: number }) => {
      const { perImage, maxTokens } = options;
      return runModelSuite(regionsSuite({ perImage }), options, {
        maxTokens,
        ...(perImage !== undefined && { perImage }),
      });
    });
}

export function countingCommand(): Command {
  return languageCommand(new Command('counting'))
    .description('how many there are of each category that an image has')
    .addHelpText('after', helpWith(['chatrex eval counting --data coco:instances.json,images=photos --limit 50']))
    .action((options: LanguageOptions) => runModelSuite(countingSuite(), options, settingsOf(options)));
}

export function referringCommand(): Command {
  return languageCommand(new Command('referring'))
    .description('what phrases mean: the first box, all boxes, and phrases that mean nothing')
    .addHelpText('after', helpWith(['chatrex eval referring --data json-lines:phrases.jsonl,images=photos']))
    .action((options: LanguageOptions) => runModelSuite(referringSuite(), options, settingsOf(options)));
}
