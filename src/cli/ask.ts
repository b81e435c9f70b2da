/** `chatrex ask`, `detect`, `describe`, `count` and `caption`: one question about one image or each of a folder. */

import { stat } from 'node:fs/promises';
import { Command, Option } from 'commander';
import type { Answer } from '../chatrex/answer.ts';
import { ChatRexError } from '../errors.ts';
import type { GroundedText } from '../grounding/grounded-text.ts';
import { type RegionStyle, regionStyles } from '../prompt/templates.ts';
import { type AnswerRequest, type AskedQuestion, noteOfEnding, type Question, questionOf } from './answer-image.ts';
import { answerJson, answerPrinter, boxLines, hasColour, imageJson, printable } from './answer-output.ts';
import {
  type ImageOptions,
  imageArgument,
  imageCommand,
  imagesArgument,
  requireWords,
  withImage,
} from './image-command.ts';
import { imageFiles, standardInput } from './image-files.ts';
import { indices } from './option-types.ts';
import { tellOfAll } from './tell-of-all.ts';

export const askCommand = (): Command =>
  imageCommand(new Command('ask'))
    .description('ask anything about an image; <obj3> in the question is box 3')
    .argument(...imagesArgument)
    .argument('<question...>')
    .addHelpText(
      'after',
      examples('ask photo.jpg "What is the dog doing?"', 'ask photo.jpg "Who holds <obj0>?" --boxes 10,20,90,120'),
    )
    .action((path: string, words: string[], options: ImageOptions) => {
      const question = requireWords(words.join(' '), 'question');
      return answer(path, options, { kind: 'ask', question });
    });

export const detectCommand = (): Command =>
  imageCommand(new Command('detect'))
    .description('find all that each phrase means: categories, descriptions, referring expressions')
    .argument(...imagesArgument)
    .argument('<phrases...>')
    .addHelpText(
      'after',
      examples('detect photo.jpg person "red car" --out found.png', 'detect photo.jpg "the man on the left" --json'),
    )
    .action((path: string, phrases: string[], options: ImageOptions) =>
      answer(path, options, { kind: 'detect', phrases }),
    );

export const countCommand = (): Command =>
  imageCommand(new Command('count'))
    .description('count what a phrase means, and show it')
    .argument(...imagesArgument)
    .argument('<phrase...>')
    .addHelpText('after', examples('count photo.jpg dogs', 'count photo.jpg "red balloons" --out counted.html'))
    .action((path: string, words: string[], options: ImageOptions) => {
      const phrase = requireWords(words.join(' '), 'phrase');
      return answer(path, options, { kind: 'count', phrase });
    });

export const describeCommand = (): Command =>
  imageCommand(new Command('describe'))
    .description('describe an image and tie what is mentioned to boxes')
    .argument(...imagesArgument)
    .addOption(
      new Option('--detail <detail>', 'a sentence, or all there is').choices(['brief', 'detailed']).default('brief'),
    )
    .addHelpText(
      'after',
      examples(
        'describe photo.jpg',
        'describe photo.jpg --detail detailed --out photo.html',
        'describe photos/ --json',
      ),
    )
    .action((path: string, { detail, ...options }: ImageOptions & { detail: 'brief' | 'detailed' }) =>
      answer(path, options, { kind: 'describe', detail }),
    );

interface CaptionOptions extends ImageOptions {
  style: RegionStyle;
  objects?: number[];
}

export const captionCommand = (): Command =>
  imageCommand(new Command('caption'))
    .description('describe boxes of an image one by one')
    .argument(...imageArgument)
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

/** One image, whose answer is printed as it comes, or all of a folder. */
async function answer(path: string, options: ImageOptions, asked: AskedQuestion): Promise<void> {
  const isFolder = path !== standardInput && (await stat(path).catch(() => undefined))?.isDirectory();
  await (isFolder ? answerAll(path, options, asked) : answerOne(path, options, questionOf(asked)));
}

async function answerAll(folder: string, options: ImageOptions, asked: AskedQuestion): Promise<void> {
  if (options.boxes !== undefined) {
    throw new ChatRexError(
      'invalid-argument',
      `--boxes are those of one image, and "${folder}" is a folder; name a file`,
    );
  }
  const { model, upn, json, out, force, granularity, minScore, nms: nmsIou, maxBoxes } = options;
  const { maxTokens, temperature, topP, seed } = options;
  const request: AnswerRequest = {
    ...{ kind: 'answer', model, upn, asked, json, colour: hasColour() },
    filter: { granularity, minScore, nmsIou, maxBoxes },
    asking: { maxTokens, temperature, topP, seed },
  };
  questionOf(asked);
  await tellOfAll(asked.kind, request, await imageFiles([folder]), { ...{ out, force }, ending: '.answer.jpg' });
}

async function answerOne(path: string, options: ImageOptions, question: Question): Promise<void> {
  await withImage(path, options, async ({ encoded, options: asking, draw }) => {
    const printer = options.json ? undefined : answerPrinter();
    const { answer, details, fields } = await question.ask(encoded, { ...asking, onEvent: printer?.onEvent });
    printer?.end();
    const { title } = question;
    if (options.json) {
      printJson({ ...imageJson(path, encoded), question: title, ...fields, ...answerJson(answer) });
    } else process.stdout.write(`${details}${boxLines(answer)}`);
    warnOfEnding(answer);
    await draw(answer.spans, title);
  });
}

async function runCaption(path: string, { style, objects, ...options }: CaptionOptions): Promise<void> {
  await withImage(path, options, async ({ encoded, options: asking, draw }) => {
    const captions = [];
    for (const object of objects ?? encoded.boxes.scores.keys()) {
      const [caption] = await encoded.caption([object], { style, ...asking });
      captions.push(caption);
      if (!options.json) process.stdout.write(`[${object}] ${printable(caption.text.trim())}\n`);
    }
    if (options.json) {
      const rows = captions.map(({ object, ...answer }) => ({ object, ...answerJson(answer) }));
      printJson({ ...imageJson(path, encoded), style, captions: rows });
    }
    const spans: GroundedText = captions.flatMap(({ object, text }, i) => [
      ...(i === 0 ? [] : [{ kind: 'text' as const, text: '\n' }]),
      { kind: 'phrase' as const, text: text.trim(), objects: [object] },
    ]);
    await draw(spans);
  });
}

const printJson = (value: unknown): boolean => process.stdout.write(`${JSON.stringify(value)}\n`);

/** On standard error, for answers that are printed as they come. */
export function warnOfEnding(answer: Answer): void {
  for (const note of noteOfEnding(answer)) process.stderr.write(`${note}\n`);
}

function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  chatrex ${line}`).join('\n')}`;
}
