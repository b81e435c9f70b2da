/** `chatrex rexverse`: images in, grounded training data out (paper section 4.1). */

import { Command } from 'commander';
import { rexverseQualityCommand } from './rexverse-quality.ts';
import { rexverseExportCommand, rexverseReportCommand, rexverseViewCommand } from './rexverse-report.ts';
import { rexverseRunCommand } from './rexverse-run.ts';
import { rexverseWorkCommand } from './rexverse-work.ts';

export function rexverseCommand(): Command {
  return new Command('rexverse')
    .description('the data engine: images in, captions with boxes and region descriptions out')
    .addCommand(rexverseRunCommand())
    .addCommand(rexverseWorkCommand())
    .addCommand(rexverseReportCommand())
    .addCommand(rexverseExportCommand())
    .addCommand(rexverseViewCommand())
    .addCommand(rexverseQualityCommand());
}
