import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Group, GroupSpool } from './group-spool.ts';
import { withFiles } from './testing/read-all.ts';

type Entry = { readonly isHead: boolean; readonly key: string; readonly value: number };

async function groupsOf(entries: readonly Entry[], memoryLimit: number): Promise<Group<number, number>[]> {
  return withFiles({}, async (folder) => {
    const scratch = async () => {
      const path = join(folder, 'scratch');
      await mkdir(path);
      return path;
    };
    const spool = new GroupSpool<number, number>(scratch, memoryLimit);
    for (const { isHead, key, value } of entries) await (isHead ? spool.addHead(key, value) : spool.addRow(key, value));
    const groups: Group<number, number>[] = [];
    for await (const group of spool.groups()) groups.push(group);
    await spool.close();
    return groups;
  });
}

const entry = fc.record({ isHead: fc.boolean(), key: fc.string({ unit: 'binary', maxLength: 2 }), value: fc.nat() });

it('joins rows to heads in any order, in memory and on disk alike', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 40 }), async (entries) => {
      const onDisk = await groupsOf(entries, 30);
      const heads = entries.filter(({ isHead }) => isHead);
      const withHead = onDisk.filter(({ head }) => head !== undefined);
      expect(withHead.map(({ key, head }) => [key, head])).toEqual(heads.map(({ key, value }) => [key, value]));
      const seen = new Set<string>();
      for (const { key, head, rows } of onDisk) {
        const expected = entries.filter((other) => !other.isHead && other.key === key).map(({ value }) => value);
        // A key's rows belong to its first head.
        expect(rows).toEqual(seen.has(key) && head !== undefined ? [] : expected);
        seen.add(key);
      }
      const byKey = (groups: readonly Group<number, number>[]) =>
        groups.map(({ key, head, rows }) => JSON.stringify([key, head, rows])).sort();
      expect(byKey(await groupsOf(entries, 1e6))).toEqual(byKey(onDisk));
    }),
    { numRuns: 12 },
  );
});
