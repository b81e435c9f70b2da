import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { wordsOf } from '../tools/run-stages.ts';

test('a stage of a reproduction begins, and continues what it has begun', () => {
  const out = mkdtempSync(join(tmpdir(), 'stage-'));
  try {
    const stage = { command: ['train', 'align'], options: { steps: '4', out }, flags: ['resume'] };
    const begun = ['train', 'align', '--steps', '4', '--out', out];
    expect(wordsOf(stage)).toEqual(begun);
    writeFileSync(join(out, 'run.json'), '{}');
    expect(wordsOf(stage)).toEqual([...begun, '--resume']);
    expect(wordsOf({ command: ['export'], options: { out }, flags: ['force'] })).toEqual([
      'export',
      '--out',
      out,
      '--force',
    ]);
  } finally {
    rmSync(out, { recursive: true });
  }
});
