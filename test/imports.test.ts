/**
 * What the linter cannot say: who may know the world, and that imports have no circles but those of ops with each
 * other's gradients.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../src', import.meta.url));

/** Every source file but tests -> the files that it imports, types included. */
const imports = new Map<string, string[]>();
for (const entry of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
  const file = entry.replaceAll('\\', '/');
  if (!/\.tsx?$/.test(file) || /\.test\.ts$|(^|\/)testing\//.test(file)) continue;
  const text = readFileSync(join(root, file), 'utf8');
  const targets = [...text.matchAll(/(?:from|import\()\s*'(\.[^']*)'/g)].map(([, target]) =>
    relative(root, normalize(join(root, dirname(file), target))).replaceAll('\\', '/'),
  );
  imports.set(file, targets);
}

test('the world is one data set among others: it is opened by its spec, and known to its commands alone', () => {
  const allowed = [
    // Opens specs.
    'open-dataset.ts',
    // `chatrex world` and `chatrex eval world`.
    'cli/world.ts',
    'cli/eval/world.ts',
    // What the data engine is worth where the truth is known.
    'rexverse/quality/measure-world.ts',
    'rexverse/quality/render-scenes.ts',
    'rexverse/quality/score-world.ts',
  ];
  const knowing = [...imports]
    .filter(([file, targets]) => !file.startsWith('world/') && targets.some((target) => target.startsWith('world/')))
    .map(([file]) => file);
  expect(knowing.filter((file) => !allowed.includes(file))).toEqual([]);
});

test('imports have no circles, except among ops', () => {
  const circles = circlesOf(imports).map((files) => files.sort());
  expect(circles.filter((files) => !files.every((file) => file.startsWith('tensor/ops/')))).toEqual([]);
});

/** Strongly connected components of more than one file (Tarjan, 1972). */
function circlesOf(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const [order, low, stack, onStack] = [
    new Map<string, number>(),
    new Map<string, number>(),
    [] as string[],
    new Set(),
  ];
  const found: string[][] = [];
  const visit = (file: string) => {
    order.set(file, order.size);
    low.set(file, order.get(file) as number);
    stack.push(file);
    onStack.add(file);
    for (const target of graph.get(file) ?? []) {
      if (!graph.has(target)) continue;
      if (!order.has(target)) visit(target);
      if (onStack.has(target)) low.set(file, Math.min(low.get(file) as number, low.get(target) as number));
    }
    if (low.get(file) !== order.get(file)) return;
    const component = stack.splice(stack.indexOf(file));
    for (const member of component) onStack.delete(member);
    if (component.length > 1) found.push(component);
  };
  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return found;
}

test('the test itself finds circles', () => {
  const graph = new Map([
    ['a', ['b']],
    ['b', ['c']],
    ['c', ['a']],
    ['d', ['a']],
  ]);
  expect(circlesOf(graph).map((files) => files.sort())).toEqual([['a', 'b', 'c']]);
});
