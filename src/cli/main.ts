#!/usr/bin/env node
/** The command line. Every command is a thin module of its own; errors are one line each. */

import { Command } from 'commander';
import { ChatRexError } from '../errors.ts';
import { convertCommand } from './convert.ts';
import { proposeCommand } from './propose.ts';

const program = new Command('chatrex')
  .description('finds every object of a picture and talks about it, on a laptop’s CPU')
  .showHelpAfterError('(chatrex --help, or chatrex COMMAND --help, shows what there is)')
  .addCommand(proposeCommand())
  .addCommand(convertCommand());

// A reader such as `head` may stop before the end.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

program.parseAsync().catch((error: unknown) => {
  if (!(error instanceof ChatRexError)) throw error;
  process.stderr.write(`chatrex: ${error.message}\n`);
  process.exitCode = 1;
});
