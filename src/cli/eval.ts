/** `chatrex eval`: what a model can do, in figures. */

import { Command } from 'commander';
import { compareCommand } from './eval/compare.ts';
import {
  cocoCommand,
  countingCommand,
  humanrefCommand,
  lvisCommand,
  proposalsCommand,
  refcocoCommand,
  referringCommand,
  regionsCommand,
} from './eval/data-suites.ts';
import { questionCommands } from './eval/question-suites.ts';
import { reportCommand } from './eval/report.ts';
import { evalWorldCommand } from './eval/world.ts';

export function evalCommand(): Command {
  const command = new Command('eval')
    .description('measure what a model can do')
    .addCommand(evalWorldCommand())
    .addCommand(proposalsCommand())
    .addCommand(cocoCommand())
    .addCommand(lvisCommand())
    .addCommand(refcocoCommand())
    .addCommand(regionsCommand())
    .addCommand(countingCommand())
    .addCommand(referringCommand())
    .addCommand(humanrefCommand())
    .addCommand(reportCommand())
    .addCommand(compareCommand());
  for (const suite of questionCommands()) command.addCommand(suite);
  return command;
}
