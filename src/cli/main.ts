#!/usr/bin/env node
/** The command line. Every command is a thin module of its own; errors are one line each. */

import { Command } from 'commander';
import { ChatRexError } from '../errors.ts';
import { askCommand, captionCommand, countCommand, describeCommand, detectCommand } from './ask.ts';
import { chatCommand } from './chat.ts';
import { convertCommand } from './convert.ts';
import { endWithReader } from './end-with-reader.ts';
import { evalCommand } from './eval.ts';
import { exportCommand } from './export.ts';
import { proposeCommand } from './propose.ts';
import { quantizeCommand } from './quantize.ts';
import { trainCommand } from './train.ts';
import { worldCommand } from './world.ts';

const program = new Command('chatrex')
  .description('finds every object of an image and talks about it, on a laptop’s CPU')
  .showHelpAfterError('(chatrex --help, or chatrex COMMAND --help, shows what there is)')
  .addCommand(askCommand())
  .addCommand(detectCommand())
  .addCommand(describeCommand())
  .addCommand(captionCommand())
  .addCommand(countCommand())
  .addCommand(chatCommand())
  .addCommand(proposeCommand())
  .addCommand(evalCommand())
  .addCommand(trainCommand())
  .addCommand(exportCommand())
  .addCommand(worldCommand())
  .addCommand(convertCommand())
  .addCommand(quantizeCommand());

/** As shells report a program that Ctrl-C ended. */
const interruptedStatus = 130;

endWithReader();

program.parseAsync().catch((error: unknown) => {
  if (!(error instanceof ChatRexError)) throw error;
  process.stderr.write(`chatrex: ${error.message}\n`);
  process.exitCode = error.code === 'aborted' ? interruptedStatus : 1;
});
