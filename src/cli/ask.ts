/** `chatrex ask`, `detect`, `describe`, `count` and `caption`: one question about one image. */

import { Command, Option } from 'commander';
import type { Answer, AskOptions } from '../chatrex/answer.ts';
import { askedPhrases } from '../chatrex/asked-phrases.ts';
import type { CountAnswer, DetectAnswer, EncodedImage } from '../chatrex/encoded-image.ts';
import type { GroundedText } from '../grounding/grounded-text.ts';
import { questionFor, type RegionStyle, regionStyles, spelledRight } from '../prompt/templates.ts';
import { answerJson, answerPrinter, boxLines, imageJson, printable } from './answer-output.ts';
import { type ImageOptions, imageArgument, imageCommand, requireWords, withImage } from './image-command.ts';
import { indices } from './option-types.ts';

/** A question that is put to an image, and how to show it above a drawing. */
interface Question<A extends Answer> {
  title: string;
  ask: (encoded: EncodedImage, options: AskOptions) => Promise<A>;
  /** Printed under the answer, before its boxes. */
  details?: (answer: A) => string;
  /** What its JSON has besides that of every answer. */
  fields?: (answer: A) => Record<string, unknown>;
}

export const askCommand = (): Command =>
  imageCommand(new Command('ask'))
    .description('ask anything about an image; <obj3> in the question is box 3')
    .argument(...imageArgument)
    .argument('<question...>')
    .addHelpText(
      'after',
      examples('ask photo.jpg "What is the dog doing?"', 'ask photo.jpg "Who holds <obj0>?" --boxes 10,20,90,120'),
    )
    .action((path: string, words: string[], options: ImageOptions) => {
      const question = requireWords(words.join(' '), 'question');
      return answerOne(path, options, { title: question, ask: (encoded, asking) => encoded.ask(question, asking) });
    });

export const detectCommand = (): Command =>
  imageCommand(new Command('detect'))
    .description('find all that each phrase means: categories, descriptions, referring expressions')
    .argument(...imageArgument)
    .argument('<phrases...>')
    .addHelpText(
      'after',
      examples('detect photo.jpg person "red car" --out found.png', 'detect photo.jpg "the man on the left" --json'),
    )
    .action((path: string, phrases: string[], options: ImageOptions) =>
      answerOne<DetectAnswer>(path, options, {
        title: questionFor('detect', askedPhrases(phrases)),
        ask: (encoded, asking) => encoded.detect(phrases, asking),
        fields: ({ asked, phrases }) => ({ asked, phrases: phrases.map((phrase) => phrase ?? null) }),
      }),
    );

export const countCommand = (): Command =>
  imageCommand(new Command('count'))
    .description('count what a phrase means, and show it')
    .argument(...imageArgument)
    .argument('<phrase...>')
    .addHelpText('after', examples('count photo.jpg dogs', 'count photo.jpg "red balloons" --out counted.html'))
    .action((path: string, words: string[], options: ImageOptions) => {
      const phrase = requireWords(words.join(' '), 'phrase');
      return answerOne<CountAnswer>(path, options, {
        title: questionFor('count', [phrase]),
        ask: (encoded, asking) => encoded.count(phrase, asking),
        details: ({ count }) => `  ${count}\n`,
        fields: ({ count }) => ({ count }),
      });
    });

export const describeCommand = (): Command =>
  imageCommand(new Command('describe'))
    .description('describe an image and tie what is mentioned to boxes')
    .argument(...imageArgument)
    .addOption(
      new Option('--detail <detail>', 'a sentence, or all there is').choices(['brief', 'detailed']).default('brief'),
    )
    .addHelpText('after', examples('describe photo.jpg', 'describe photo.jpg --detail detailed --out photo.html'))
    .action((path: string, { detail, ...options }: ImageOptions & { detail: 'brief' | 'detailed' }) =>
      answerOne(path, options, {
        title: spelledRight(questionFor(`caption-${detail}`)),
        ask: (encoded, asking) => encoded.describe({ detail, ...asking }),
      }),
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

async function answerOne<A extends Answer>(path: string, options: ImageOptions, question: Question<A>): Promise<void> {
  await withImage(path, options, async ({ encoded, options: asking, draw }) => {
    const printer = options.json ? undefined : answerPrinter();
    const answer = await question.ask(encoded, { ...asking, onEvent: printer?.onEvent });
    printer?.end();
    const { title, fields, details } = question;
    if (options.json) {
      printJson({ ...imageJson(path, encoded), question: title, ...fields?.(answer), ...answerJson(answer) });
    } else process.stdout.write(`${details?.(answer) ?? ''}${boxLines(answer)}`);
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

/** A person should know when an answer is not the model's whole answer. */
export function warnOfEnding({ ending }: Answer): void {
  if (ending === 'length') process.stderr.write('the answer was cut; --max-tokens allows a longer one\n');
  if (ending === 'loop') process.stderr.write('the model began to repeat itself, and the answer was cut\n');
}

function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  chatrex ${line}`).join('\n')}`;
}
