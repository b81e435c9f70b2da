/** The program of the command line: its commands, and what becomes of their errors. */

import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { ChatRexError } from '../errors.ts';
import { interruptedStatus } from './interruption.ts';
import { oneLine } from './one-line.ts';
import { addProviderOption } from './provider-option.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

/**
 * In the order of the help. A command's module is read when it is wanted: all of them together take most of a second.
 */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  ask: async () => (await import('./ask.ts')).askCommand(),
  detect: async () => (await import('./ask.ts')).detectCommand(),
  describe: async () => (await import('./ask.ts')).describeCommand(),
  caption: async () => (await import('./ask.ts')).captionCommand(),
  count: async () => (await import('./ask.ts')).countCommand(),
  chat: async () => (await import('./chat.ts')).chatCommand(),
  propose: async () => (await import('./propose.ts')).proposeCommand(),
  data: async () => (await import('./data.ts')).dataCommand(),
  serve: async () => (await import('./serve.ts')).serveCommand(),
  studio: async () => (await import('./studio.ts')).studioCommand(),
  mcp: async () => (await import('./mcp.ts')).mcpCommand(),
  eval: async () => (await import('./eval.ts')).evalCommand(),
  score: async () => (await import('./score.ts')).scoreCommand(),
  train: async () => (await import('./train.ts')).trainCommand(),
  export: async () => (await import('./export.ts')).exportCommand(),
  rexverse: async () => (await import('./rexverse.ts')).rexverseCommand(),
  world: async () => (await import('./world.ts')).worldCommand(),
  pull: async () => (await import('./pull.ts')).pullCommand(),
  convert: async () => (await import('./convert.ts')).convertCommand(),
  quantize: async () => (await import('./quantize.ts')).quantizeCommand(),
};

/**
 * The program with the command that the first word names, or with all of them where help or a suggestion needs them.
 */
export async function createProgram(firstWord = ''): Promise<Command> {
  const program = new Command('chatrex')
    .description('finds every object of an image and talks about it, on a laptop’s CPU')
    .version(version, '--version', 'print the version');
  const wanted = Object.hasOwn(commands, firstWord) ? [commands[firstWord]] : Object.values(commands);
  const isAboutProgram = firstWord === '--version';
  for (const load of isAboutProgram ? [] : wanted) program.addCommand(await load());
  addProviderOption(program);
  pointToHelp(program, program.name());
  return program;
}

/** After a mistake every command names what there is, so that a guess that is far off leads somewhere too. */
function pointToHelp(command: Command, name: string): void {
  const names = command.commands.map((inner) => inner.name());
  const choice = names.length > 0 ? `: ${names.join(', ')}` : '';
  command.showHelpAfterError(`(${name} --help shows what there is${choice})`);
  for (const inner of command.commands) pointToHelp(inner, `${name} ${inner.name()}`);
}

/**
 * What the system refuses (a folder without rights, a full disk) is no defect of the program, and needs no stack trace.
 */
const isOfSystem = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'syscall' in error && 'code' in error;

/**
 * Does what the words of a command line say. A mistake is one line on stderr and an exit status; a defect is thrown.
 * @param prepare changes the program before it runs; tests keep it from ending the process
 * @example await runProgram(process.argv.slice(2))
 */
export async function runProgram(words: readonly string[], prepare: (program: Command) => void = () => {}) {
  try {
    const program = await createProgram(words[0]);
    prepare(program);
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof ChatRexError) && !isOfSystem(error)) throw error;
    process.stderr.write(`chatrex: ${oneLine(error.message)}\n`);
    process.exitCode = error.code === 'aborted' ? interruptedStatus() : 1;
  }
}
