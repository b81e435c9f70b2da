/** `chatrex data inspect`: counts, sizes, coverage and faults. */

import { Command } from 'commander';
import { countFaults, describeFault, type FaultKind, type FaultSummary, faultMeanings } from '../../datasets/faults.ts';
import { type DatasetReport, inspectDataset, type Spread } from '../../datasets/inspect.ts';
import { lateBar, type SpecOptions, specCommand, withDataset } from './open-spec.ts';

export function inspectCommand(): Command {
  return specCommand(new Command('inspect'))
    .description('count images, regions, categories and faults of a data set')
    .option('--decode', 'decode every image, to find broken ones')
    .option('--json', 'the report as JSON')
    .addHelpText(
      'after',
      `
Examples:
  chatrex data inspect coco:instances_val2017.json,images=val2017
  chatrex data inspect yolo:data.yaml,split=val --json
  chatrex data inspect photos:holidays --strict

With --strict, faults end in exit code 1 after they have been listed.`,
    )
    .action(runInspect);
}

interface InspectCommandOptions extends SpecOptions {
  readonly json?: boolean;
  readonly decode?: boolean;
}

async function runInspect(spec: string, { json, decode, strict, ...options }: InspectCommandOptions): Promise<void> {
  await withDataset('data inspect', spec, options, async (dataset, signal) => {
    const bar = lateBar('data inspect', dataset.size);
    const report = await inspectDataset(dataset, (done) => bar.update(done), { isDecoding: decode, signal });
    bar.end('done');
    process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : reportText(report));
    if (strict && countFaults(report.faults) > 0) {
      process.stderr.write(`chatrex: ${countFaults(report.faults)} faults in ${report.name}\n`);
      process.exitCode = 1;
    }
  });
}

const shownCategories = 30;
const shownExamples = 3;

function reportText(report: DatasetReport): string {
  const { imageSizes, coverage, boxSizes, granularities } = report;
  const rows: [string, string][] = [
    ['images', String(report.images)],
    ...(report.samples > report.images
      ? [['samples', `${report.samples} (the others are text alone)`] as [string, string]]
      : []),
    ['regions', `${report.regions}${report.ignoredRegions > 0 ? `, ${report.ignoredRegions} of them ignored` : ''}`],
    ['  an image', spreadText(report.regionsPerImage)],
    ['  small, medium, large', `${boxSizes.small}, ${boxSizes.medium}, ${boxSizes.large}`],
    ['  fine, coarse', `${granularities.fine}, ${granularities.coarse}`],
    ['categories', `${report.categories}, ${report.usedCategories} of them with regions`],
    ['phrases', countsText(report.phrases)],
    ['conversations', countsText(report.conversations)],
    ['image width', imageSizes.known === 0 ? 'unknown' : spreadText(imageSizes.width)],
    ['image height', imageSizes.known === 0 ? 'unknown' : spreadText(imageSizes.height)],
    ['complete for fine, coarse', `${coverage.completeFine}, ${coverage.completeCoarse} of ${report.samples} samples`],
    ['closed list of categories', `${coverage.closed} of ${report.samples} samples`],
    ['with partial categories', `${coverage.withPartialCategories} of ${report.samples} samples`],
    ['fingerprint', report.fingerprint],
  ];
  const lines = [report.name, ...rows.map(([name, value]) => `  ${name.padEnd(27)}${value}`)];
  const notes = report.notes.map((note) => `\nnote: ${clean(note)}`);
  return `${[...lines, ...categoryLines(report), ...notes, ...faultLines(report.faults)].join('\n')}\n`;
}

function spreadText({ least, median, most }: Spread): string {
  return `${least} to ${most}, median ${median}`;
}

function countsText(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts);
  if (entries.length === 0) return '0';
  return entries.map(([name, count]) => `${count} ${name}`).join(', ');
}

function categoryLines({ regionsByCategory }: DatasetReport): string[] {
  if (regionsByCategory.length === 0) return [];
  const shown = regionsByCategory.slice(0, shownCategories);
  const lines = shown.map(({ name, regions, images, frequency }) => {
    const count = `${String(regions).padStart(9)} in ${images} images`;
    return `  ${clean(name).padEnd(27)}${count}${frequency ? ` (${frequency})` : ''}`;
  });
  const left = regionsByCategory.length - shown.length;
  return ['', 'regions by category', ...lines, ...(left > 0 ? [`  and ${left} more; --json lists all`] : [])];
}

function faultLines(faults: FaultSummary): string[] {
  const entries = Object.entries(faults) as [FaultKind, NonNullable<FaultSummary[FaultKind]>][];
  if (entries.length === 0) return ['', 'no faults'];
  return [
    '',
    `${countFaults(faults)} faults`,
    ...entries.flatMap(([kind, { count, examples }]) => [
      `  ${kind}: ${count} (${faultMeanings[kind]})`,
      ...examples.slice(0, shownExamples).map((fault) => `    ${clean(describeFault(fault))}`),
    ]),
  ];
}

/** Names come from files: what would move the cursor or colour the terminal is shown as a code. */
export function clean(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
