/** `chatrex data`: data sets of any format, looked at, drawn, converted and indexed. */

import { Command } from 'commander';
import { convertDataCommand } from './data/convert.ts';
import { indexCommand } from './data/index-command.ts';
import { inspectCommand } from './data/inspect.ts';
import { sheetCommand } from './data/sheet.ts';

export function dataCommand(): Command {
  return new Command('data')
    .description('look at data sets, draw, convert and index them')
    .addCommand(inspectCommand())
    .addCommand(sheetCommand())
    .addCommand(convertDataCommand())
    .addCommand(indexCommand());
}
