/** Lines that people read are at most 120 columns long, comments too: the formatter does not wrap them. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const longest = 120;

test('comments fit 120 columns', () => {
  const long = ['src', 'test', 'bench', 'tools', 'examples'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.tsx?$/.test(file))
      .flatMap((file) =>
        readFileSync(join(root, folder, file), 'utf8')
          .split('\n')
          .flatMap((line, at) => (isComment(line) && line.length > longest ? [`${folder}/${file}:${at + 1}`] : [])),
      ),
  );
  expect(long).toEqual([]);
});

/** A comment of its own, or one behind code; commands, set four spaces in, and addresses cannot be wrapped. */
const isComment = (line: string): boolean =>
  /^\s*(\/\*|\* (?! {4}))|(^|\s)\/\/ /.test(line) && !/https?:\/\/\S{60}/.test(line);
