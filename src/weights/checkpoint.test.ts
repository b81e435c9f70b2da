import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { indexFileName, openCheckpoint, singleFileName } from './checkpoint.ts';
import { convertTorchCheckpoint } from './convert.ts';
import { openSafetensors } from './safetensors.ts';
import { writeSafetensors } from './safetensors-writer.ts';
import { writeShardedSafetensors } from './sharded-writer.ts';
import { describeFile, expectError, expectedByFile, fixtures, useScratchFolder } from './testing/support.ts';

const scratch = useScratchFolder();

async function makeFolder(name: string): Promise<string> {
  const folder = scratch(name);
  await mkdir(folder);
  return folder;
}

const vector = (name: string, ...values: number[]) => ({
  name,
  dtype: 'float32' as const,
  shape: [values.length],
  data: Float32Array.from(values),
});

test('shards open by folder or index as one file', async () => {
  const folder = await makeFolder('sharded');
  const entries = [vector('a', 1, 2), vector('b', 3), vector('big', 4, 5, 6, 7, 8), vector('c', 9)];
  await writeShardedSafetensors(folder, entries, 12);
  expect((await readdir(folder)).sort()).toEqual([
    'model-00001-of-00003.safetensors',
    'model-00002-of-00003.safetensors',
    'model-00003-of-00003.safetensors',
    indexFileName,
  ]);
  for (const path of [folder, join(folder, indexFileName)]) {
    const file = await openCheckpoint(path);
    expect(file.metadata).toEqual({ total_size: '36' });
    for (const { name, data } of entries) expect(await file.read(name)).toEqual(data);
    expect(file.tensors.get('big')!.path).toBe(join(folder, 'model-00002-of-00003.safetensors'));
  }
});

test('a single file opens by its path or its folder, and wins over an index', async () => {
  const folder = await makeFolder('single');
  await writeSafetensors(join(folder, singleFileName), [vector('a', 1)]);
  await writeFile(join(folder, indexFileName), '{"weight_map":{}}');
  expect([...(await openCheckpoint(folder)).tensors.keys()]).toEqual(['a']);
  expect([...(await openCheckpoint(join(folder, singleFileName))).tensors.keys()]).toEqual(['a']);
});

describe('refuses', () => {
  const shardNames = [
    '../x.safetensors',
    '/x.safetensors',
    'a/x.safetensors',
    'a\\x.safetensors',
    'c:x.safetensors',
    'x.pth',
    '..',
  ];
  test.each(shardNames)('an index that names the shard %s', async (shard) => {
    const path = scratch('outside.safetensors.index.json');
    await writeFile(path, JSON.stringify({ weight_map: { a: shard } }));
    await expectError(openCheckpoint(path), 'invalid-file', /expected a \.safetensors file name without a folder/);
  });

  test('an index that disagrees with its shards, and broken ones', async () => {
    const path = scratch('broken.index.json');
    await writeSafetensors(scratch('s.safetensors'), [vector('a', 1)]);
    await writeFile(path, JSON.stringify({ weight_map: { b: 's.safetensors' } }));
    await expectError(openCheckpoint(path), 'invalid-file', /"b" in s\.safetensors, which has no such tensor/);
    await writeFile(path, JSON.stringify({ weight_map: { b: 'gone.safetensors' } }));
    await expectError(openCheckpoint(path), 'not-found', /gone\.safetensors does not exist/);
    for (const text of ['', '[]', '{}', '{"weight_map":{"a":1}}']) {
      await writeFile(path, text);
      await expectError(openCheckpoint(path), 'invalid-file', /not an index of shards/);
    }
  });

  test('empty folders, missing paths and PyTorch files', async () => {
    await expectError(openCheckpoint(await makeFolder('empty')), 'not-found', /neither model\.safetensors nor/);
    await expectError(openCheckpoint(scratch('gone')), 'not-found', /does not exist/);
    await expectError(openCheckpoint(`${fixtures}/legacy.pth`), 'unsupported', /convertTorchCheckpoint/);
  });
});

test('a folder with PyTorch files alone names the command that converts them', async () => {
  const folder = await makeFolder('pytorch');
  await writeFile(join(folder, 'training_args.bin'), '');
  await writeFile(join(folder, 'pytorch_model.bin'), '');
  const command = `chatrex convert ${join(folder, 'pytorch_model.bin')} ${join(folder, 'model.safetensors')}`;
  await expectError(openCheckpoint(folder), 'not-found', new RegExp(command.replaceAll('.', '\\.')));
  await writeFile(join(folder, 'pytorch_model-2.bin'), '');
  await expectError(openCheckpoint(folder), 'not-found', /2 PyTorch files .*safe_serialization=True/);
});

describe('converting PyTorch checkpoints', () => {
  test.each(['views-torch-2.15.pth', 'dtypes-torch-1.13.pth', 'typed-storages.pth'])(
    '%s keeps every value',
    async (name) => {
      const target = scratch(`${name}.safetensors`);
      await convertTorchCheckpoint(`${fixtures}/${name}`, target);
      expect(await describeFile(await openSafetensors(target))).toEqual(expectedByFile[name]);
    },
  );

  test('a key is cut from the names, and progress ends at the total', async () => {
    const target = scratch('model-only.safetensors');
    const seen: number[] = [];
    await convertTorchCheckpoint(`${fixtures}/nested-torch-2.15.pth`, target, {
      key: 'model',
      onProgress: ({ doneBytes, totalBytes }) => seen.push(doneBytes / totalBytes),
    });
    const file = await openSafetensors(target);
    expect(file.tensors.has('linear.weight')).toBe(true);
    expect(seen).toHaveLength(file.tensors.size);
    expect(seen.at(-1)).toBe(1);
  });

  test('a checkpoint that is refused leaves no file', async () => {
    const target = scratch('never.safetensors');
    await expectError(convertTorchCheckpoint(`${fixtures}/malicious.pth`, target), 'invalid-file', /posix\.system/);
    await expect(readFile(target)).rejects.toThrow('ENOENT');
  });
});
