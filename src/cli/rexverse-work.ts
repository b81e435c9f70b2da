/** `chatrex rexverse work`: a machine that works for a run elsewhere, through a queue. */

import { Command } from 'commander';
import { workOnQueue } from '../rexverse/queue/work-on-queue.ts';
import { interruptible } from './interruption.ts';
import { between, wholeFrom } from './rexverse-options.ts';

interface WorkCommandOptions {
  queue: string;
  root?: string;
  workers?: number;
  concurrency?: number;
  requestsAtOnce?: number;
  requestsPerMinute?: number;
  tokensPerMinute?: number;
  deadline: number;
  allowPrivate?: boolean;
  ignoreOptOut?: boolean;
}

export function rexverseWorkCommand(): Command {
  return new Command('work')
    .description('do the work of a run that was started with --queue, until Ctrl-C')
    .argument('<folder>', 'of the run, shared by all machines')
    .requiredOption('--queue <url>', 'the queue of the run: redis://... or postgres://...')
    .option('--root <folder>', 'where the images are on this machine, if not where they were when the run began')
    .option('--workers <n>', 'worker processes; half of the cores by default', wholeFrom(1))
    .option('--concurrency <n>', 'items at once in each; 8 with endpoints, 1 without by default', wholeFrom(1))
    .option('--requests-at-once <n>', 'to an endpoint, of this machine', wholeFrom(1))
    .option('--requests-per-minute <n>', 'to an endpoint, of this machine', wholeFrom(1))
    .option('--tokens-per-minute <n>', 'of an endpoint, of this machine', wholeFrom(1))
    .option('--deadline <seconds>', 'for one item', between(1, 86_400), 600)
    .option('--allow-private', 'fetch images from private networks too')
    .option('--ignore-opt-out', 'take images whose server asks that they are not used for training')
    .addHelpText(
      'after',
      `
Example:
  chatrex rexverse run photos/ --out /shared/data --queue redis://queue:6379      on one machine
  chatrex rexverse work /shared/data --queue redis://queue:6379                   on each of the others`,
    )
    .action(async (folder: string, options: WorkCommandOptions) => {
      const { queue, root, workers, concurrency, requestsAtOnce, requestsPerMinute, tokensPerMinute } = options;
      const { deadline, allowPrivate = false, ignoreOptOut = false } = options;
      const done = await interruptible((signal) =>
        workOnQueue({
          ...{ folder, queue, root, workers, concurrency, signal, deadlineMs: 1000 * deadline },
          limits: { requestsAtOnce, requestsPerMinute, tokensPerMinute },
          download: { isPrivateAllowed: allowPrivate, ignoresOptOut: ignoreOptOut },
        }),
      );
      process.stdout.write(`${done} tasks done\n`);
    });
}
