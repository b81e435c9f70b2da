/** The command line as users start it, in a process of its own. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

function chatrex(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...args], { cwd: root }, (error, out, err) => {
      resolve({ status: Number(error?.code ?? 0), out, err });
    });
  });
}

it('--version', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(await chatrex('--version')).toEqual({ status: 0, out: `${version}\n`, err: '' });
});

it('--provider: a missing one gives one line and the answer, with -only an error, a wrong one all choices', async () => {
  const image = 'models/nano/example/scene.png';
  // No card of Windows' in Linux, and none of Linux's in Windows or macOS.
  const missing = process.platform === 'linux' ? 'dml' : 'cuda';
  const propose = (provider: string) => chatrex('propose', image, '--model', 'nano', '--json', '--provider', provider);
  const [lenient, strict, wrong] = await Promise.all([propose(missing), propose(`${missing}-only`), propose('gpu')]);
  expect(lenient.status).toBe(0);
  expect(JSON.parse(lenient.out).boxes.length).toBeGreaterThan(0);
  expect(lenient.err.match(/The processor computes instead/g)).toHaveLength(1);
  expect(lenient.err).toMatch(new RegExp(`chatrex: provider '${missing}' is not in this installation`));
  expect(strict).toMatchObject({ status: 1, out: '' });
  expect(strict.err).toMatch(new RegExp(`provider '${missing}' is not in this installation`));
  expect(wrong.err).toMatch(/Allowed choices are cpu, cuda, cuda-only/);
});

it('a command that does not exist: the nearest, and all there are', async () => {
  const { status, err } = await chatrex('eval', 'wrold');
  expect(status).toBe(1);
  expect(err).toMatch(/unknown command 'wrold'\n\(Did you mean world\?\)\n\(chatrex eval --help shows.*: .*world/);
  expect((await chatrex('evla')).err).toMatch(/Did you mean eval\?/);
});
