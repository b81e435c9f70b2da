/**
 * `chatrex rexverse quality`: how much of what the engine writes is true, where the truth is known: in RexWorld, and of
 * boxes on photographs.
 */

import { Command } from 'commander';
import { measurePhotos, type PhotosMeasure } from '../rexverse/quality/measure-photos.ts';
import { measureWorld, type WorldMeasure } from '../rexverse/quality/measure-world.ts';
import { photoMeasures } from '../rexverse/quality/score-photos.ts';
import { measures, type Share } from '../rexverse/quality/score-world.ts';
import type { RunProgress } from '../rexverse/run.ts';
import { interruptible } from './interruption.ts';
import { wholeFrom } from './rexverse-options.ts';
import { type EngineCommandOptions, modelOptions, progressLine, runOptions, settingsOf } from './rexverse-run.ts';

type QualityOptions = EngineCommandOptions & { seed: number; count: number; photos?: string; split?: string };

export function rexverseQualityCommand(): Command {
  const command = new Command('quality')
    .description('run the engine on fresh scenes of RexWorld and score what it writes')
    .requiredOption('--out <folder>', 'where scenes and run are kept; the same folder continues')
    .option('--seed <n>', 'which scenes of the test split', wholeFrom(0), 2026)
    .option('--count <n>', 'how many', wholeFrom(1), 300)
    .option(
      '--photos <folder>',
      'photographs instead, with instances.json, images/ and captions.json of COCO; without --captioner their captions are taken',
    )
    .option('--split <name>', 'photographs of this split alone, where the file says of which each is')
    .option('--workers <n>', 'worker processes; half of the cores by default', wholeFrom(1))
    .option('--json', 'print the figures as JSON');
  modelOptions(command);
  return command
    .addHelpText(
      'after',
      `
Examples:
  chatrex rexverse quality --out runs/rexverse-quality
  chatrex rexverse quality --photos coco/ --grounder models/photo/upn --out runs/photo-quality
  chatrex rexverse quality --photos coco/ --captioner URL#model --grounder URL#model --out runs/theirs`,
    )
    .action(quality);
}

/** What filters the web stays off: every image counts. */
const everything = { minSide: 1, maxAspect: 1000, maxPlainWhite: 1, duplicateBits: -1, minScore: 0, maxNegatives: 40 };

async function quality({ photos, ...options }: QualityOptions): Promise<void> {
  const run = runOptions({ ...options, deadline: 600, attempts: 3 });
  let show: ((progress: RunProgress) => void) | undefined;
  const onProgress = (progress: RunProgress) => {
    show ??= progressLine(progress);
    show(progress);
  };
  const write = (measure: object, text: string) =>
    process.stdout.write(options.json ? `${JSON.stringify(measure, null, 2)}\n` : text);
  if (photos === undefined) {
    const settings = await settingsOf({ ...options, ...everything, maxDescribed: 20, plainDescriptions: true });
    const { measure } = await interruptible((signal) =>
      measureWorld({ ...run, settings, signal, seed: options.seed, scenes: options.count, onProgress }),
    );
    write(measure, table(measure));
    return;
  }
  // Boxes of phrases are judged; nobody knows the true descriptions.
  const settings = await settingsOf({ ...options, ...everything, maxDescribed: 0 });
  const areCaptionsGiven = options.captioner === undefined;
  const { measure } = await interruptible((signal) =>
    measurePhotos({ ...run, settings, signal, photos, split: options.split, areCaptionsGiven, onProgress }),
  );
  write(measure, photoTable(measure));
}

const row = (name: string, { right, all }: Share) =>
  `${name.padEnd(32)} ${all === 0 ? '   - ' : (right / all).toFixed(3)}  ${right} of ${all}`;

function table({ scenes, done, seed, score }: WorldMeasure): string {
  const claims = Object.entries(score.claims).map(([kind, share]) => row(`  claims of ${kind}`, share));
  const lines = measures.map((name) => row(name, score[name]));
  return `${done} of ${scenes} scenes annotated (seed ${seed})\n${[...lines, ...claims].join('\n')}\n`;
}

function photoTable({ photos, captions, done, score }: PhotosMeasure): string {
  const lines = photoMeasures.map((name) => row(name, score[name]));
  return `${done} of ${captions} captions of ${photos} photographs with boxes\n${lines.join('\n')}\n`;
}
