/** `chatrex rexverse quality`: how much of what the engine writes is true, in RexWorld, where the truth is known. */

import { Command } from 'commander';
import { measureWorld, type WorldMeasure } from '../rexverse/quality/measure-world.ts';
import { measures, type Share } from '../rexverse/quality/score-world.ts';
import type { RunProgress } from '../rexverse/run.ts';
import { interruptible } from './interruption.ts';
import { wholeFrom } from './rexverse-options.ts';
import { type EngineCommandOptions, modelOptions, progressLine, runOptions, settingsOf } from './rexverse-run.ts';

type QualityOptions = EngineCommandOptions & { seed: number; count: number };

export function rexverseQualityCommand(): Command {
  const command = new Command('quality')
    .description('run the engine on fresh scenes of RexWorld and score what it writes')
    .requiredOption('--out <folder>', 'where scenes and run are kept; the same folder continues')
    .option('--seed <n>', 'which scenes of the test split', wholeFrom(0), 2026)
    .option('--count <n>', 'how many', wholeFrom(1), 300)
    .option('--workers <n>', 'worker processes; half of the cores by default', wholeFrom(1))
    .option('--json', 'print the figures as JSON');
  modelOptions(command);
  return command
    .addHelpText('after', '\nExample:\n  chatrex rexverse quality --out runs/rexverse-quality')
    .action(quality);
}

async function quality(options: QualityOptions): Promise<void> {
  const settings = await settingsOf({
    ...options,
    ...{
      minSide: 1,
      maxAspect: 1000,
      maxWhiteBorder: 1,
      duplicateBits: -1,
      minScore: 0,
      maxNegatives: 20,
      maxDescribed: 20,
    },
    plainDescriptions: true,
  });
  let show: ((progress: RunProgress) => void) | undefined;
  const { measure } = await interruptible((signal) =>
    measureWorld({
      ...runOptions({ ...options, deadline: 600, attempts: 3 }),
      ...{ settings, signal, seed: options.seed, scenes: options.count },
      onProgress: (progress) => {
        show ??= progressLine(progress);
        show(progress);
      },
    }),
  );
  process.stdout.write(options.json ? `${JSON.stringify(measure, null, 2)}\n` : table(measure));
}

function table({ scenes, done, seed, score }: WorldMeasure): string {
  const row = (name: string, { right, all }: Share) =>
    `${name.padEnd(32)} ${all === 0 ? '   - ' : (right / all).toFixed(3)}  ${right} of ${all}`;
  const claims = Object.entries(score.claims).map(([kind, share]) => row(`  claims of ${kind}`, share));
  const lines = measures.map((name) => row(name, score[name]));
  return `${done} of ${scenes} scenes annotated (seed ${seed})\n${[...lines, ...claims].join('\n')}\n`;
}
