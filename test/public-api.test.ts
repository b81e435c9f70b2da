/** What users may import: every entry of package.json exists, and every exported function shows how it is called. */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, { types: string; default: string }>;
};
const entries = Object.entries(exports).map(([name, { types, default: code }]) => ({
  name,
  types,
  code,
  source: code.replace('./dist/', 'src/').replace(/\.js$/, '.ts'),
}));

test.each(entries)('$name is a module of the sources', ({ types, code, source }) => {
  expect(existsSync(join(root, source))).toBe(true);
  expect(types).toBe(code.replace(/\.js$/, '.d.ts'));
});

/** Functions and classes that an entry exports by name -> the file that has them. */
function exportedFunctions(source: string): [name: string, file: string][] {
  const text = readFileSync(join(root, source), 'utf8');
  return [...text.matchAll(/export \{([^}]*)\} from '([^']*)'/g)].flatMap(([, names, file]) =>
    names
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '' && !name.startsWith('type '))
      .map((name): [string, string] => [name, join(root, dirname(source), file)]),
  );
}

test.each(entries)('every function of $name has an example', ({ source }) => {
  const without = exportedFunctions(source).filter(([name, file]) => {
    const text = readFileSync(file, 'utf8');
    const at = text.search(new RegExp(`export (async )?(function\\*?|const|class) ${name}\\b`));
    const before = text.slice(0, at).trimEnd();
    const isFunction = !/^export const \w+(: [^=]*)? = (\[|\{|Object\.keys)/.test(text.slice(at));
    const comment = before.endsWith('*/') ? before.slice(before.lastIndexOf('/**')) : '';
    const isClass = text.slice(at).startsWith('export class');
    return isFunction && !/@example/.test(isClass ? text : comment);
  });
  expect(without.map(([name]) => name)).toEqual([]);
});
