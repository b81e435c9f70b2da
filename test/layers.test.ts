/**
 * The rooms of src/ import downwards only, and only runtime/ imports ONNX Runtime: the linter's rules catch every
 * breach.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const applications = ['datasets', 'training', 'evaluation', 'world', 'rexverse', 'server', 'cli'];
const path = ['image', 'drawing', 'proposals', 'vision', 'objects', 'prompt', 'language', 'grounding'];
const above = [...path, 'chatrex', ...applications];

/** Rooms that a room must not import. */
const forbidden: Record<string, readonly string[]> = {
  tensor: ['autodiff', 'onnx', 'runtime', 'nn', 'weights', 'boxes', ...above],
  autodiff: ['runtime', 'weights', 'boxes', ...above],
  onnx: ['runtime', 'weights', 'boxes', ...above],
  nn: ['runtime', 'weights', 'boxes', ...above],
  runtime: ['autodiff', 'nn', 'weights', 'boxes', ...above],
  weights: ['autodiff', 'runtime', 'nn', 'boxes', ...above],
  boxes: ['tensor', 'autodiff', 'onnx', 'runtime', 'nn', 'weights', ...above],
  workers: ['tensor', 'autodiff', 'onnx', 'runtime', 'nn', 'weights', ...above],
  ...Object.fromEntries(path.map((room) => [room, ['chatrex', ...applications]])),
  chatrex: applications,
  datasets: ['chatrex', 'training', 'evaluation', 'world', 'rexverse', 'server', 'cli'],
  world: ['training', 'rexverse', 'server', 'cli'],
  evaluation: ['world', 'training', 'rexverse', 'server', 'cli'],
  training: ['world', 'rexverse', 'server', 'cli'],
  rexverse: ['server', 'cli'],
  server: ['cli'],
  cli: [],
  api: [],
};

/** Files that the linter blames for an import, when each of these files imports one module. */
function blamed(imports: ReadonlyMap<string, string>): Set<string> {
  const folder = mkdtempSync(join(tmpdir(), 'layers-'));
  try {
    const { vcs: _, ...config } = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8'));
    writeFileSync(join(folder, 'biome.json'), JSON.stringify({ ...config, $schema: undefined }));
    for (const [file, module] of imports) {
      mkdirSync(join(folder, file, '..'), { recursive: true });
      writeFileSync(join(folder, file), `import { x } from '${module}';\n\nexport const y = x;\n`);
    }
    const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');
    const args = ['lint', '--only=style/noRestrictedImports', '--reporter=json', '--max-diagnostics=none', '.'];
    const { stdout } = spawnSync(process.execPath, [biome, ...args], { cwd: folder, encoding: 'utf8' });
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: { location: { path: string } }[] };
    return new Set(diagnostics.map(({ location }) => location.path.replaceAll('\\', '/').replace(/^\.\//, '')));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('every room of src/ has its rule', () => {
  const rooms = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(rooms.map(({ name }) => name).filter((name) => !(name in forbidden))).toEqual([]);
});

test('the linter blames exactly the imports that go upwards', () => {
  const imports = new Map<string, string>();
  const expected = new Set<string>();
  for (const [room, up] of Object.entries(forbidden)) {
    for (const other of Object.keys(forbidden).filter((name) => name !== room)) {
      for (const [file, module] of [
        [`src/${room}/to-${other}.ts`, `../${other}/some.ts`],
        [`src/${room}/inner/to-${other}.ts`, `../../${other}/deep/some.ts`],
      ]) {
        imports.set(file, module);
        if (up.includes(other)) expected.add(file);
      }
    }
    imports.set(`src/${room}/to-engine.ts`, 'onnxruntime-node');
    if (room !== 'runtime') expected.add(`src/${room}/to-engine.ts`);
  }
  imports.set('src/to-engine.ts', 'onnxruntime-node').set('bench/to-engine.ts', 'onnxruntime-common');
  expected.add('src/to-engine.ts').add('bench/to-engine.ts');
  expect([...blamed(imports)].sort()).toEqual([...expected].sort());
});
