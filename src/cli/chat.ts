/** `chatrex chat`: a conversation about one image, on a terminal or line by line from a pipe. */

import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import type { Answer } from '../chatrex/answer.ts';
import type { EncodedImage } from '../chatrex/encoded-image.ts';
import { ChatRexError } from '../errors.ts';
import { answerJson, answerPrinter } from './answer-output.ts';
import { warnOfEnding } from './ask.ts';
import { type ImageOptions, imageArgument, imageCommand, type OpenImage, withImage } from './image-command.ts';
import { standardInput } from './image-files.ts';
import { oneLine } from './one-line.ts';
import { someFailedStatus } from './tell-of-all.ts';

const help = `  /boxes       the boxes that <obj0>, <obj1>, ... stand for
  /draw FILE   draws the last answer: .png, .jpg, .webp or .html
  /new         forgets what was said
  /exit        ends, as Ctrl-D does; Ctrl-C ends an answer
`;

export const chatCommand = (): Command =>
  imageCommand(new Command('chat'))
    .description('a conversation about an image; questions come from the terminal or, one a line, from a pipe')
    .argument(...imageArgument)
    .addHelpText(
      'after',
      `
In the conversation:
${help}
Examples:
  chatrex chat photo.jpg
  chatrex chat photo.jpg --json < questions.txt

The oldest questions are forgotten when the model has no more room. A line that cannot be answered is an error, with --json
{"question": ..., "error": {"code": ..., "message": ...}}, and the next is read; the exit status is then ${someFailedStatus}.`,
    )
    .action((path: string, options: ImageOptions) => {
      if (path === standardInput) {
        throw new ChatRexError(
          'invalid-argument',
          'chat reads questions from standard input; give the image as a file',
        );
      }
      return withImage(path, options, (open) => converse(open, options));
    });

type AnsweredTurn = { question: string; answer: Answer };

async function converse(open: OpenImage, options: ImageOptions): Promise<void> {
  const isInteractive = process.stdin.isTTY === true;
  const lines = createInterface({ input: process.stdin, output: isInteractive ? process.stderr : undefined });
  lines.setPrompt('> ');
  let answering: AbortController | undefined;
  // A terminal gives Ctrl-C to the line reader; elsewhere it ends the process's work as in every command.
  lines.on('SIGINT', () => (answering ? answering.abort() : lines.close()));
  let turns: AnsweredTurn[] = [];
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
        turns = withinRoom(open, turns, question, options);
        turns.push({ question, answer: await askOne(open, turns, question, { ...options, signal: answering.signal }) });
      }
    } catch (error) {
      if (!(error instanceof ChatRexError) || open.options.signal?.aborted) throw error;
      tellOf(error, question, options);
      if (!isInteractive) process.exitCode = someFailedStatus;
    } finally {
      answering = undefined;
    }
    if (isInteractive) lines.prompt();
  }
  lines.close();
  const last = turns.at(-1);
  if (last) await open.draw(last.answer.spans, last.question);
}

function tellOf({ code, message }: ChatRexError, question: string, { json }: ImageOptions): void {
  if (json) process.stdout.write(`${JSON.stringify({ question, error: { code, message } })}\n`);
  else process.stderr.write(`${oneLine(message)}\n`);
}

/** The part of the room after the image that an answer should find free. */
const answerShare = 0.25;

/** The turns that the model has room for besides the question and its answer; the older half goes until there is. */
function withinRoom({ encoded }: OpenImage, turns: AnsweredTurn[], question: string, options: ImageOptions) {
  const share = Math.floor(answerShare * encoded.tokensLeft([{ question }]));
  const wanted = Math.min(options.maxTokens ?? share, share);
  let kept = turns;
  while (kept.length > 0 && encoded.tokensLeft([...kept, { question }]) < wanted)
    kept = kept.slice(Math.ceil(kept.length / 2));
  const forgotten = turns.length - kept.length;
  if (forgotten > 0)
    process.stderr.write(`forgot the oldest ${forgotten} of ${turns.length} questions: no more room\n`);
  return [...kept];
}

async function askOne(
  { encoded, options }: OpenImage,
  turns: readonly AnsweredTurn[],
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

async function runCommand(line: string, { encoded, draw }: OpenImage, turns: readonly AnsweredTurn[]): Promise<void> {
  const [command, ...rest] = line.split(/\s+/);
  if (command === '/help') process.stderr.write(help);
  else if (command === '/boxes') process.stderr.write(boxTable(encoded));
  else if (command === '/draw') {
    const last = turns.at(-1);
    const out = rest.join(' ');
    if (!last) throw new ChatRexError('invalid-argument', 'nothing was answered yet');
    if (out === '')
      throw new ChatRexError('invalid-argument', '/draw: expected the name of a file, such as /draw a.png');
    await draw(last.answer.spans, last.question, out);
  } else throw new ChatRexError('invalid-argument', `${command} is no command; /help says what there is`);
}

function boxTable({ boxes: { boxesXyxy, scores } }: EncodedImage): string {
  const rows = scores.map((score, i) => {
    const corners = Array.from(boxesXyxy.subarray(4 * i, 4 * i + 4), (value) => value.toFixed(1).padStart(8));
    return `  <obj${i}>${i < 10 ? ' ' : ''} ${score.toFixed(2)} ${corners.join('')}\n`;
  });
  return rows.join('');
}
