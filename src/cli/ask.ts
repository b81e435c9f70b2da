/** `chatrex ask`, `detect`, `describe`, `count` and `caption`: one question about one picture. */

import { Command, InvalidArgumentError, Option } from 'commander';
import type { Answer, AskOptions } from '../chatrex/answer.ts';
import type { CountAnswer, EncodedPicture } from '../chatrex/encoded-picture.ts';
import type { GroundedText } from '../grounding/grounded-text.ts';
import { questionFor, type RegionStyle, regionStyles } from '../prompt/templates.ts';
import {
  answerJson,
  answerPrinter,
  boxLines,
  pictureJson,
  printable,
  requireDrawable,
  writeAnswer,
} from './answer-output.ts';
import { type PictureOptions, pictureCommand, withPicture } from './picture-command.ts';

/** A question that is put to a picture, and how to show it above a drawing. */
interface Question<A extends Answer> {
  title: string;
  ask: (picture: EncodedPicture, options: AskOptions) => Promise<A>;
  /** Printed under the answer. */
  details?: (answer: A) => string;
}

export const askCommand = (): Command =>
  pictureCommand(new Command('ask'))
    .description('ask anything about a picture; <obj3> in the question is box 3')
    .argument('<picture>')
    .argument('<question...>')
    .addHelpText(
      'after',
      examples('ask photo.jpg "What is the dog doing?"', 'ask photo.jpg "Who holds <obj0>?" --boxes 10,20,90,120'),
    )
    .action((path: string, words: string[], options: PictureOptions) => {
      const question = words.join(' ');
      return answerOne(path, options, { title: question, ask: (picture, asking) => picture.ask(question, asking) });
    });

export const detectCommand = (): Command =>
  pictureCommand(new Command('detect'))
    .description('find all that each phrase means: categories, descriptions, referring expressions')
    .argument('<picture>')
    .argument('<phrases...>')
    .addHelpText(
      'after',
      examples('detect photo.jpg person "red car" --out found.png', 'detect photo.jpg "the man on the left" --json'),
    )
    .action((path: string, phrases: string[], options: PictureOptions) =>
      answerOne(path, options, {
        title: questionFor('detect', phrases),
        ask: (picture, asking) => picture.detect(phrases, asking),
        details: boxLines,
      }),
    );

export const countCommand = (): Command =>
  pictureCommand(new Command('count'))
    .description('count what a phrase means, and show it')
    .argument('<picture>')
    .argument('<phrase...>')
    .addHelpText('after', examples('count photo.jpg dogs', 'count photo.jpg "red balloons" --out counted.html'))
    .action((path: string, words: string[], options: PictureOptions) =>
      answerOne<CountAnswer>(path, options, {
        title: questionFor('count', [words.join(' ')]),
        ask: (picture, asking) => picture.count(words.join(' '), asking),
        details: (answer) => `  ${answer.count}\n${boxLines(answer)}`,
      }),
    );

export const describeCommand = (): Command =>
  pictureCommand(new Command('describe'))
    .description('describe a picture and tie what is mentioned to boxes')
    .argument('<picture>')
    .addOption(
      new Option('--detail <detail>', 'a sentence, or all there is').choices(['brief', 'detailed']).default('brief'),
    )
    .addHelpText('after', examples('describe photo.jpg', 'describe photo.jpg --detail detailed --out photo.html'))
    .action((path: string, { detail, ...options }: PictureOptions & { detail: 'brief' | 'detailed' }) =>
      answerOne(path, options, {
        title: questionFor(`caption-${detail}`),
        ask: (picture, asking) => picture.describe({ detail, ...asking }),
      }),
    );

interface CaptionOptions extends PictureOptions {
  style: RegionStyle;
  objects?: number[];
}

export const captionCommand = (): Command =>
  pictureCommand(new Command('caption'))
    .description('describe boxes of a picture one by one')
    .argument('<picture>')
    .addOption(new Option('--style <style>', 'how much to say').choices(regionStyles).default('phrase'))
    .option('--objects <indices>', 'only these boxes, as 0,3,5', indices)
    .addHelpText(
      'after',
      examples(
        'caption photo.jpg --boxes "10,20,90,120;5,5,50,50"',
        'caption photo.jpg --style sentence --objects 0,1',
      ),
    )
    .action(runCaption);

async function answerOne<A extends Answer>(
  path: string,
  options: PictureOptions,
  question: Question<A>,
): Promise<void> {
  requireDrawable(options.out);
  await withPicture(path, options, async ({ image, picture, options: asking }) => {
    const printer = options.json ? undefined : answerPrinter();
    const answer = await question.ask(picture, { ...asking, onEvent: printer?.onEvent });
    printer?.end();
    if (options.json) {
      const count = 'count' in answer ? { count: answer.count } : {};
      printJson({ ...pictureJson(path, picture), question: question.title, ...count, ...answerJson(answer) });
    } else process.stdout.write(question.details?.(answer) ?? '');
    warnOfEnding(answer);
    if (options.out) await writeAnswer(options.out, { image, picture, question: question.title }, answer.spans);
  });
}

async function runCaption(path: string, { style, objects, ...options }: CaptionOptions): Promise<void> {
  requireDrawable(options.out);
  await withPicture(path, options, async ({ image, picture, options: asking }) => {
    const captions = [];
    for (const object of objects ?? picture.boxes.scores.keys()) {
      const [caption] = await picture.caption([object], { style, ...asking });
      captions.push(caption);
      if (!options.json) process.stdout.write(`[${object}] ${printable(caption.text.trim())}\n`);
    }
    if (options.json) {
      const rows = captions.map(({ object, ...answer }) => ({ object, ...answerJson(answer) }));
      printJson({ ...pictureJson(path, picture), style, captions: rows });
    }
    if (!options.out) return;
    const spans: GroundedText = captions.flatMap(({ object, text }, i) => [
      ...(i === 0 ? [] : [{ kind: 'text' as const, text: '\n' }]),
      { kind: 'phrase' as const, text: text.trim(), objects: [object] },
    ]);
    await writeAnswer(options.out, { image, picture }, spans);
  });
}

const printJson = (value: unknown): boolean => process.stdout.write(`${JSON.stringify(value)}\n`);

/** A person should know when an answer is not the model's whole answer. */
export function warnOfEnding({ ending }: Answer): void {
  if (ending === 'length') process.stderr.write('the answer was cut; --max-tokens allows a longer one\n');
  if (ending === 'loop') process.stderr.write('the model began to repeat itself, and the answer was cut\n');
}

function indices(text: string): number[] {
  if (/^\d+(,\d+)*$/.test(text)) return text.split(',').map(Number);
  throw new InvalidArgumentError('expected indices such as 0,3,5');
}

function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  chatrex ${line}`).join('\n')}`;
}
