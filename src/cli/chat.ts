/** `chatrex chat`: a conversation about one image, on a terminal or line by line from a pipe. */

import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import type { Answer } from '../chatrex/answer.ts';
import type { EncodedImage, Turn } from '../chatrex/encoded-image.ts';
import { ChatRexError } from '../errors.ts';
import { answerJson, answerPrinter, requireDrawable, writeAnswer } from './answer-output.ts';
import { warnOfEnding } from './ask.ts';
import { type ImageOptions, imageCommand, type OpenImage, withImage } from './image-command.ts';

const help = `  /boxes       the boxes that <obj0>, <obj1>, ... stand for
  /draw FILE   draws the last answer: .png, .jpg, .webp or .html
  /new         forgets what was said
  /exit        ends, as Ctrl-D does; Ctrl-C ends an answer
`;

export const chatCommand = (): Command =>
  imageCommand(new Command('chat'))
    .description('a conversation about an image; questions come from the terminal or, one a line, from a pipe')
    .argument('<image>')
    .addHelpText(
      'after',
      `
In the conversation:
${help}
Examples:
  chatrex chat photo.jpg
  chatrex chat photo.jpg --json < questions.txt`,
    )
    .action((path: string, options: ImageOptions) => {
      requireDrawable(options.out);
      return withImage(path, options, (open) => converse(open, options));
    });

async function converse(open: OpenImage, options: ImageOptions): Promise<void> {
  const isInteractive = process.stdin.isTTY === true;
  const lines = createInterface({ input: process.stdin, output: isInteractive ? process.stderr : undefined });
  lines.setPrompt('> ');
  let answering: AbortController | undefined;
  // A terminal gives Ctrl-C to the line reader; elsewhere it ends the process's work as in every command.
  lines.on('SIGINT', () => (answering ? answering.abort() : lines.close()));
  let turns: { question: string; answer: Answer }[] = [];
  if (isInteractive) process.stderr.write(`${open.encoded.boxes.scores.length} boxes; /help says what there is\n`);
  lines.prompt();
  for await (const line of lines) {
    const question = line.trim();
    if (question === '/exit') break;
    try {
      if (question === '/new') turns = [];
      else if (question.startsWith('/')) await runCommand(question, open, turns);
      else if (question !== '') {
        answering = new AbortController();
        turns.push({ question, answer: await askOne(open, turns, question, { ...options, signal: answering.signal }) });
      }
    } catch (error) {
      if (!(error instanceof ChatRexError) || !isInteractive) throw error;
      process.stderr.write(`${error.message}\n`);
    } finally {
      answering = undefined;
    }
    if (isInteractive) lines.prompt();
  }
  lines.close();
  const last = turns.at(-1);
  if (options.out && last) await writeAnswer(options.out, { ...open, question: last.question }, last.answer.spans);
}

async function askOne(
  { encoded, options }: OpenImage,
  turns: readonly Turn[],
  question: string,
  { json, signal }: { json?: boolean; signal: AbortSignal },
): Promise<Answer> {
  const printer = json ? undefined : answerPrinter();
  const signals = options.signal ? [options.signal, signal] : [signal];
  const asking = { ...options, signal: AbortSignal.any(signals), onEvent: printer?.onEvent };
  try {
    const answer = await encoded.chat([...turns, { question }], asking);
    if (json) process.stdout.write(`${JSON.stringify({ question, ...answerJson(answer) })}\n`);
    warnOfEnding(answer);
    return answer;
  } finally {
    printer?.end();
  }
}

async function runCommand(
  line: string,
  { image, encoded }: OpenImage,
  turns: readonly { question: string; answer: Answer }[],
): Promise<void> {
  const [command, ...rest] = line.split(/\s+/);
  if (command === '/help') process.stderr.write(help);
  else if (command === '/boxes') process.stderr.write(boxTable(encoded));
  else if (command === '/draw') {
    const last = turns.at(-1);
    const out = rest.join(' ');
    if (!last) throw new ChatRexError('invalid-argument', 'nothing was answered yet');
    requireDrawable(out);
    await writeAnswer(out, { image, encoded, question: last.question }, last.answer.spans);
  } else throw new ChatRexError('invalid-argument', `${command} is no command; /help says what there is`);
}

function boxTable({ boxes: { boxesXyxy, scores } }: EncodedImage): string {
  const rows = scores.map((score, i) => {
    const corners = Array.from(boxesXyxy.subarray(4 * i, 4 * i + 4), (value) => value.toFixed(1).padStart(8));
    return `  <obj${i}>${i < 10 ? ' ' : ''} ${score.toFixed(2)} ${corners.join('')}\n`;
  });
  return rows.join('');
}
