#!/usr/bin/env node
/** The command line. Every command is a thin module of its own; errors are one line each. */

import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { ChatRexError } from '../errors.ts';
import { askCommand, captionCommand, countCommand, describeCommand, detectCommand } from './ask.ts';
import { chatCommand } from './chat.ts';
import { convertCommand } from './convert.ts';
import { dataCommand } from './data.ts';
import { endWithReader } from './end-with-reader.ts';
import { evalCommand } from './eval.ts';
import { exportCommand } from './export.ts';
import { interruptedStatus } from './interruption.ts';
import { mcpCommand } from './mcp.ts';
import { oneLine } from './one-line.ts';
import { proposeCommand } from './propose.ts';
import { pullCommand } from './pull.ts';
import { quantizeCommand } from './quantize.ts';
import { rexverseCommand } from './rexverse.ts';
import { scoreCommand } from './score.ts';
import { serveCommand } from './serve.ts';
import { trainCommand } from './train.ts';
import { worldCommand } from './world.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

const program = new Command('chatrex')
  .description('finds every object of an image and talks about it, on a laptop’s CPU')
  .version(version, '--version', 'print the version')
  .addCommand(askCommand())
  .addCommand(detectCommand())
  .addCommand(describeCommand())
  .addCommand(captionCommand())
  .addCommand(countCommand())
  .addCommand(chatCommand())
  .addCommand(proposeCommand())
  .addCommand(dataCommand())
  .addCommand(serveCommand())
  .addCommand(mcpCommand())
  .addCommand(evalCommand())
  .addCommand(scoreCommand())
  .addCommand(trainCommand())
  .addCommand(exportCommand())
  .addCommand(rexverseCommand())
  .addCommand(worldCommand())
  .addCommand(pullCommand())
  .addCommand(convertCommand())
  .addCommand(quantizeCommand());

/** After a mistake every command names what there is, so that a guess that is far off leads somewhere too. */
function pointToHelp(command: Command, name: string): void {
  const names = command.commands.map((inner) => inner.name());
  const choice = names.length > 0 ? `: ${names.join(', ')}` : '';
  command.showHelpAfterError(`(${name} --help shows what there is${choice})`);
  for (const inner of command.commands) pointToHelp(inner, `${name} ${inner.name()}`);
}

/** What the system refuses (a folder without rights, a full disk) is no defect of the program, and needs no stack trace. */
const isOfSystem = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'syscall' in error && 'code' in error;

pointToHelp(program, program.name());
endWithReader();

program.parseAsync().catch((error: unknown) => {
  if (!(error instanceof ChatRexError) && !isOfSystem(error)) throw error;
  process.stderr.write(`chatrex: ${oneLine(error.message)}\n`);
  process.exitCode = error.code === 'aborted' ? interruptedStatus() : 1;
});
