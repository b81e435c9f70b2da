/** A reporter of vitest for `.ci/run`: what `.ci/summary.mjs` reads, written as JSON to the file that CI_REPORT names. */

import { writeFileSync } from 'node:fs';

/** What is wrong, with the difference of two values, and where: without the frames of packages. */
function textOf({ message = '', diff = '', stacks = [] }) {
  const frames = stacks
    .filter(({ file }) => !file.includes('node_modules'))
    .map(({ file, line, column }) => `at ${file}:${line}:${column}`);
  return [message, ...frames, diff].filter((part) => part !== '').join('\n');
}

export default class CiReporter {
  onTestRunEnd(testModules, unhandledErrors) {
    const report = { passed: 0, failures: [], files: [] };
    const fail = (file, name, errors) => report.failures.push({ file, name, text: errors.map(textOf).join('\n') });
    for (const testModule of testModules) {
      const file = testModule.relativeModuleId;
      const { collectDuration, duration } = testModule.diagnostic();
      report.files.push({ file, seconds: (collectDuration + duration) / 1000 });
      // A file that does not load, and a hook that fails, have failed without a failed test.
      if (testModule.errors().length > 0) fail(file, 'the file', testModule.errors());
      for (const suite of testModule.children.allSuites()) {
        if (suite.errors().length > 0) fail(file, suite.fullName, suite.errors());
      }
      for (const test of testModule.children.allTests()) {
        const { state, errors } = test.result();
        if (state === 'passed') report.passed += 1;
        if (state === 'failed') fail(file, test.fullName, errors);
      }
    }
    if (unhandledErrors.length > 0) fail('outside of any test', 'unhandled errors', unhandledErrors);
    writeFileSync(process.env.CI_REPORT, JSON.stringify(report));
  }
}
