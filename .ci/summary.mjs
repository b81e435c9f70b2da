/**
 * The last lines of `.ci/run`: each failed test with its file and what it says, then "N passed, N failed". They come last, and
 * are short, because whoever reads a log may see only its end.
 *
 * node .ci/summary.mjs FOLDER, where FOLDER has three files for each step: NAME.status (its exit status), NAME.log (what it
 * printed) and, of a step that runs tests, NAME.json (from `.ci/reporter.mjs`).
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

const LINES_OF_A_FAILURE = 15;
const LINES_OF_A_STEP = 30;
const SLOW_FILES = 10;

const folder = process.argv[2];

function indented(lines) {
  return lines.map((line) => `    ${line}`).join('\n');
}

/** Reads one step: how many tests passed, what failed, and the seconds of each file. */
function outcomeOf(step) {
  const isSound = readFileSync(join(folder, `${step}.status`), 'utf8').trim() === '0';
  const path = join(folder, `${step}.json`);
  const report = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : { passed: 0, failures: [], files: [] };
  const failures = report.failures.map(({ file, name, text }) => {
    const lines = stripVTControlCharacters(text).split('\n').slice(0, LINES_OF_A_FAILURE);
    return `failed: ${step}: ${file}: ${name}\n${indented(lines)}`;
  });
  // A step without tests counts as one check; so does a run that ended without a report.
  if (!isSound && failures.length === 0) {
    const log = stripVTControlCharacters(readFileSync(join(folder, `${step}.log`), 'utf8'));
    const lines = log.trimEnd().split('\n').slice(-LINES_OF_A_STEP);
    failures.push(`failed: ${step}, which ends with:\n${indented(lines)}`);
  }
  const passed = report.passed === 0 && isSound ? 1 : report.passed;
  return { passed, failures, files: report.files.map((file) => ({ ...file, step })) };
}

const outcomes = readdirSync(folder)
  .filter((name) => name.endsWith('.status'))
  .map((name) => outcomeOf(name.replace(/\.status$/, '')));

console.log('== slowest files');
const files = outcomes.flatMap((outcome) => outcome.files).sort((a, b) => b.seconds - a.seconds);
for (const { seconds, step, file } of files.slice(0, SLOW_FILES)) {
  console.log(`${seconds.toFixed(1).padStart(6)} s  ${step}: ${file}`);
}

const failures = outcomes.flatMap((outcome) => outcome.failures);
if (failures.length > 0) console.log(`== failures\n${failures.join('\n')}`);
const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
console.log(`${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length === 0 ? 0 : 1;
