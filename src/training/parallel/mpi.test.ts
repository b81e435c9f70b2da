import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Mpi } from './mpi.ts';

const version = spawnSync('mpirun', ['--version'], { encoding: 'utf8' });
const hasMpi = version.status === 0 && version.stdout.includes('Open MPI');

test('a process that mpirun did not start, or started alone, trains alone', async () => {
  expect(await Mpi.join({})).toBeUndefined();
  expect(await Mpi.join({ OMPI_COMM_WORLD_SIZE: '1' })).toBeUndefined();
  await expect(Mpi.join({ PMI_SIZE: '4' })).rejects.toThrow('not that of Open MPI');
});

test.skipIf(!hasMpi)('two ranks add up numbers and tell each other texts', () => {
  const script = fileURLToPath(new URL('../testing/two-ranks.ts', import.meta.url));
  const command = ['--oversubscribe', '-n', '2', process.execPath, '--import', import.meta.resolve('tsx'), script];
  // So that it runs as the user of a container too.
  const env = { ...process.env, OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };
  const { status, stdout, stderr } = spawnSync('mpirun', command, { encoding: 'utf8', env });
  expect(status, stderr).toBe(0);
  const said = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { rank: number })
    .sort((a, b) => a.rank - b.rank);
  const refused = 'a rank says 10000 characters; at most 8192 bytes fit';
  const expected = { size: 2, sums: [3, 1, -1], words: ['é0', 'é1'], refused };
  expect(said).toEqual([
    { rank: 0, ...expected },
    { rank: 1, ...expected },
  ]);
});
