/** `chatrex data`: data sets of any format, looked at, drawn, converted and indexed. */

import { Command } from 'commander';
import { indexCommand } from './data/index-command.ts';
import { inspectCommand } from './data/inspect.ts';

export function dataCommand(): Command {
  return new Command('data')
    .description('look at data sets, draw, convert and index them')
    .addCommand(inspectCommand())
    .addCommand(indexCommand());
}
