#!/usr/bin/env node

/**
 * `npm run demo`: the main job on the bundled model, from image to grounded answers.
 *
 * Without arguments it looks at the bundled photograph and describes, finds, counts and answers; with `IMAGE
 * "QUESTION"` it looks at the user's. Every answer is printed with its phrases in the colours of their boxes, and
 * drawn.
 */

import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Answer } from '../chatrex/answer.ts';
import type { EncodedImage } from '../chatrex/encoded-image.ts';
import { ChatRex } from '../chatrex.ts';
import { groundedAnswerAnsi } from '../drawing/grounded-ansi.ts';
import { drawGroundedAnswer } from '../drawing/grounded-answer.ts';
import { ChatRexError } from '../errors.ts';
import { writeNamed } from '../files.ts';
import { decodeImage } from '../image/decode.ts';
import { questionFor, spelledRight } from '../prompt/templates.ts';
import { endWithReader } from './end-with-reader.ts';

const examplePhotograph = fileURLToPath(new URL('../../models/photo/example/boats.jpg', import.meta.url));
const outputFolder = join('out', 'demo');

/** What is asked about the bundled photograph: a name for the drawing, and the question. */
const exampleQuestions: readonly [name: string, question: string][] = [
  ['describe', questionFor('caption-brief')],
  ['detect', questionFor('detect', ['boat', 'person', 'dog'])],
  ['count', questionFor('count', ['people'])],
  ['absent', 'Is there a bicycle in the image?'],
];

async function demo([path = examplePhotograph, question]: readonly string[]): Promise<void> {
  const started = performance.now();
  const say = (text: string) => process.stdout.write(`${text}\n`);
  const image = await decodeImage(path);
  const model = await ChatRex.load();
  const encoded = await model.encode(path);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  say(
    `${relative('.', path)}: ${image.width} x ${image.height}, ${encoded.boxes.scores.length} boxes found in ${seconds} s\n`,
  );
  const questions = question === undefined && path === examplePhotograph ? exampleQuestions : ownQuestions(question);
  await mkdir(outputFolder, { recursive: true });
  for (const [name, asked] of questions) {
    const answer = await encoded.ask(asked);
    say(`> ${spelledRight(asked)}`);
    const text = groundedAnswerAnsi(answer.spans, { colour: process.stdout.isTTY === true });
    say(`  ${text.replaceAll('\n', '\n  ')}\n`);
    await draw(join(outputFolder, `${name}.png`), image, encoded, asked, answer);
  }
  say(`drawn in ${outputFolder}: ${questions.map(([name]) => `${name}.png`).join(', ')}`);
  await model.dispose();
}

const ownQuestions = (question?: string): [string, string][] => [['answer', question ?? questionFor('caption-brief')]];

async function draw(
  file: string,
  image: Parameters<typeof drawGroundedAnswer>[0],
  encoded: EncodedImage,
  question: string,
  answer: Answer,
): Promise<void> {
  await writeNamed(
    file,
    await drawGroundedAnswer(image, answer.spans, encoded.boxes.boxesXyxy, { question: spelledRight(question) }),
  );
}

endWithReader();

demo(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof ChatRexError)) throw error;
  process.stderr.write(`demo: ${error.message}\n`);
  process.exitCode = 1;
});
