import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

/** A program that uses the library: it makes a session and prints one result. */
const program = `
  const { Session } = await import(${JSON.stringify(new URL('./session.ts', import.meta.url).href)});
  const { input } = await import(${JSON.stringify(new URL('../tensor/ops/input.ts', import.meta.url).href)});
  const { negate } = await import(${JSON.stringify(new URL('../tensor/ops/negate.ts', import.meta.url).href)});
  const session = await Session.create({ y: negate(input('x', 'float32', [1])) }, new Map(), { threads: 1 });
  const { y } = await session.run({ x: { dtype: 'float32', shape: [1], data: Float32Array.of(3) } });
  console.log(y.data[0]);
`;
const cwd = fileURLToPath(new URL('../..', import.meta.url));

async function runWith(words: readonly string[]): Promise<string> {
  const args = ['--import', 'tsx', '--input-type=module', '--eval', program, '--', ...words];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd });
  expect(stderr).toBe('');
  return stdout.trim();
}

describe('a first session under a command line of', () => {
  it.each<[string, string[]]>([
    ['a thousand file names', Array.from({ length: 1000 }, (_, i) => `photographs/of the summer/${i}.jpg`)],
    ['one word of 100 kB', ['why '.repeat(25_000)]],
    ['a megabyte', Array.from({ length: 20 }, () => 'x'.repeat(50_000))],
  ])('%s is made', async (_, words) => {
    expect(await runWith(words)).toBe('-3');
  });
});
