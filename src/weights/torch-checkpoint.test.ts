import { readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { viewBytes } from './dtype.ts';
import { describeFile, expectError, expectedByFile, fixtures, useScratchFolder } from './testing/support.ts';
import {
  type ArchiveEntries,
  encodeTorchArchive,
  encodeZip,
  global,
  type PickledTensor,
  pickle,
  pickleTensor,
  text,
} from './testing/torch-archive.ts';
import { openTorchCheckpoint } from './torch-checkpoint.ts';

const scratch = useScratchFolder();
let scratchCount = 0;

async function save(bytes: Uint8Array): Promise<string> {
  const path = scratch(`case-${scratchCount++}.pth`);
  await writeFile(path, bytes);
  return path;
}

const twoFloats: ArchiveEntries = { 0: viewBytes(Float32Array.of(1, 2)) };

describe('agrees with torch value for value', () => {
  const files = readdirSync(fixtures).filter((name) => name.endsWith('.pth') && name in expectedByFile);

  test('on files of two releases', () => expect(files).toHaveLength(15));

  test.each(files)('%s', async (name) => {
    const checkpoint = await openTorchCheckpoint(`${fixtures}/${name}`);
    expect(await describeFile(checkpoint)).toEqual(expectedByFile[name]);
    expect([...checkpoint.tensors.keys()]).toEqual(Object.keys(expectedByFile[name]));
  });

  test.each(files)('%s: locations and streams', async (name) => {
    const path = `${fixtures}/${name}`;
    const bytes = await readFile(path);
    const checkpoint = await openTorchCheckpoint(path);
    for (const { name: tensor, location } of checkpoint.tensors.values()) {
      const values = viewBytes(await checkpoint.read(tensor));
      const chunks: Uint8Array[] = [];
      for await (const chunk of checkpoint.stream(tensor)) chunks.push(chunk.slice());
      expect(Buffer.concat(chunks).equals(values)).toBe(true);
      if (location === undefined) continue;
      const end = location.byteOffset + location.byteLength;
      expect(bytes.subarray(location.byteOffset, end).equals(values)).toBe(true);
    }
  });
});

test('only views that torch calls non-contiguous have no location', async () => {
  const checkpoint = await openTorchCheckpoint(`${fixtures}/views-torch-2.15.pth`);
  const strided = [...checkpoint.tensors.values()].filter(({ location }) => location === undefined);
  const names = [
    'transposed',
    'middle_columns',
    'every_second',
    'expanded',
    'permuted',
    'permuted_int64',
    'permuted_bytes',
  ];
  expect(strided.map(({ name }) => name)).toEqual(names);
  const { shared_whole: whole, shared_tail: tail } = Object.fromEntries(checkpoint.tensors);
  expect(tail.location!.byteOffset - whole.location!.byteOffset).toBe(7 * 4);
});

test('a key opens a nested state dict, and what is no tensor is listed', async () => {
  const path = `${fixtures}/nested-torch-2.15.pth`;
  const model = await openTorchCheckpoint(path, { key: 'model' });
  expect([...model.tensors.keys()].slice(0, 3)).toEqual(['linear.weight', 'linear.bias', 'norm.weight']);
  expect(model.otherValues).toEqual([]);
  expect((await openTorchCheckpoint(path)).otherValues).toEqual(['epoch', 'lr', 'betas.0', 'betas.1', 'name']);
  await expectError(
    openTorchCheckpoint(path, { key: 'state' }),
    'not-found',
    /"state": its keys start with model, epoch/,
  );
  await expectError(openTorchCheckpoint(path, { key: 'epoch' }), 'not-found', /no tensors under "epoch"/);
});

test('reads archives with zip64 fields', async () => {
  const checkpoint = await openTorchCheckpoint(
    await save(encodeTorchArchive(pickleTensor(), twoFloats, { zip64: true })),
  );
  expect(await checkpoint.read('w')).toEqual(Float32Array.of(1, 2));
});

test('a tensor without elements needs no room, however large its other axes', async () => {
  const shape = [...Array.from({ length: 30 }, () => 2 ** 52), 0];
  const path = await save(encodeTorchArchive(pickleTensor({ shape, strides: shape.map(() => 1) }), twoFloats));
  expect(await (await openTorchCheckpoint(path)).read('w')).toEqual(new Float32Array(0));
});

test('reads an archive with a comment', async () => {
  const bytes = encodeTorchArchive(pickleTensor(), twoFloats);
  bytes.writeUInt16LE(4, bytes.length - 2);
  const checkpoint = await openTorchCheckpoint(await save(Buffer.concat([bytes, Buffer.from('note')])));
  expect(await checkpoint.read('w')).toEqual(Float32Array.of(1, 2));
});

describe('refuses', () => {
  test('a pickle that would run a command, by the name of what it would run', async () => {
    await expectError(
      openTorchCheckpoint(`${fixtures}/malicious.pth`),
      'invalid-file',
      /"posix\.system"; only tensors/,
    );
    for (const callee of [global('builtins', 'eval'), pickle(text('builtins'), text('eval'), '\x93')]) {
      const bytes = pickle('\x80\x04', callee, text('echo'), '\x85R.');
      await expectError(
        openTorchCheckpoint(await save(encodeTorchArchive(bytes, {}))),
        'invalid-file',
        /"builtins\.eval"/,
      );
    }
  });

  test('whole modules, old formats, compressed archives and other zip files, with the fix', async () => {
    await expectError(openTorchCheckpoint(`${fixtures}/whole-module.pth`), 'invalid-file', /state_dict\(\)/);
    await expectError(
      openTorchCheckpoint(`${fixtures}/legacy.pth`),
      'unsupported',
      /before 1\.6.*torch\.save it again/,
    );
    await expectError(openTorchCheckpoint(`${fixtures}/compressed.pth`), 'unsupported', /compressed/);
    await expectError(openTorchCheckpoint(`${fixtures}/without-pickle.pth`), 'invalid-file', /no data\.pkl/);
    await expectError(openTorchCheckpoint(`${fixtures}/dtypes.safetensors`), 'invalid-file', /not a zip archive/);
    await expectError(openTorchCheckpoint(scratch('none.pth')), 'not-found', /does not exist/);
  });

  test('TorchScript and big-endian archives', async () => {
    const script = encodeZip({ 'a/data.pkl': pickleTensor(), 'a/constants.pkl': Buffer.from('.') });
    await expectError(openTorchCheckpoint(await save(script)), 'unsupported', /TorchScript/);
    const big = encodeZip({ 'a/data.pkl': pickleTensor(), 'a/byteorder': Buffer.from('big') });
    await expectError(openTorchCheckpoint(await save(big)), 'unsupported', /big-endian/);
  });

  const badTensors: [string, PickledTensor, RegExp][] = [
    ['a missing storage', { key: '7' }, /"7", the archive has none/],
    ['a storage of another size', { count: 3 }, /expected 12 bytes.*the archive has 8/],
    ['a view past the end', { shape: [3] }, /past the end/],
    ['an offset past the end', { offset: 1 }, /past the end/],
    ['strides past the end', { shape: [2], strides: [2] }, /past the end/],
    ['a negative size', { shape: [-1] }, /sizes and strides/],
    ['a negative stride', { strides: [-1] }, /sizes and strides/],
    ['a negative offset', { offset: -1 }, /without a storage/],
    ['sizes without strides', { strides: [] }, /sizes and strides/],
    ['complex numbers', { storageType: 'ComplexFloatStorage' }, /"torch\.ComplexFloatStorage"/],
  ];
  test.each(badTensors)('%s', async (_, tensor, message) => {
    const path = await save(encodeTorchArchive(pickleTensor(tensor), twoFloats));
    await expectError(openTorchCheckpoint(path), 'invalid-file', message);
  });

  test('an expanded element that would fill the memory', async () => {
    const path = await save(encodeTorchArchive(pickleTensor({ shape: [2 ** 40], strides: [0] }), twoFloats));
    await expectError(openTorchCheckpoint(path), 'limit-exceeded', /would take 4398046511104 bytes/);
  });

  test('dicts that share dicts, and a list that contains itself', async () => {
    // d0 = {}, d1 = {a: d0, b: d0}, ... : 2^40 paths in a few hundred bytes.
    const level = (index: number) => [
      '0}',
      text('a'),
      `h${String.fromCharCode(index)}`,
      's',
      text('b'),
      `h${String.fromCharCode(index)}`,
      `sq${String.fromCharCode(index + 1)}`,
    ];
    const levels = (count: number) => Array.from({ length: count }, (_, i) => level(i)).flat();
    for (const bytes of [
      pickle('\x80\x02', '}q\x00', ...levels(30), '.'),
      pickle('\x80\x02', '}q\x00', ...levels(60), '.'),
      pickle('\x80\x02', ']q\x00h\x00a.'),
    ]) {
      await expectError(openTorchCheckpoint(await save(encodeTorchArchive(bytes, {}))), 'limit-exceeded', /nested/);
    }
  });

  test('two tensors that get one name once names are joined by dots', async () => {
    const tensor = pickleTensor().subarray(pickle('\x80\x02}', text('w')).length, -2);
    const bytes = pickle('}', text('a.b'), tensor, 's', text('a'), '}', text('b'), tensor, 'ss.');
    const path = await save(encodeTorchArchive(bytes, twoFloats));
    await expectError(openTorchCheckpoint(path), 'invalid-file', /two of its tensors are called a\.b/);
  });

  test('a pickle of a million objects', async () => {
    const bytes = Buffer.alloc(1_000_001, ']');
    await expectError(openTorchCheckpoint(await save(encodeTorchArchive(bytes, {}))), 'limit-exceeded', /operations/);
  });

  const badPickles: [string, Buffer, RegExp][] = [
    ['an empty pickle', pickle(''), /ends too early/],
    ['a pickle without end', pickle('\x80\x02}'), /ends too early/],
    ['an unknown opcode', pickle('\x80\x02\xff.'), /unknown opcode 0xff/],
    ['an empty stack', pickle('.'), /missing on the stack/],
    ['two results', pickle('NN.'), /left on the stack/],
    ['an open mark', pickle('N(N.'), /left on the stack/],
    ['a missing mark', pickle('t.'), /mark is missing/],
    ['a memo that was never set', pickle('h\x05.'), /remembered as 5/],
    ['items for a number', pickle('K\x01K\x02a.'), /not a list/],
    ['an odd number of dict items', pickle('}(Nu.'), /not a dict/],
    ['a call of a string', pickle(text('f'), ')R.'), /not a function/],
    ['a text that is longer than the pickle', pickle('X\xff\xff\xff\xffabc.'), /ends too early/],
    ['text that is not UTF-8', pickle('X\x01\x00\x00\x00\xff.'), /not UTF-8/],
    ['a global without end', pickle('cos'), /line without end/],
    ['a global whose name is a list', pickle(']]\x93.'), /name is not text/],
    ['an integer of four gigabytes', pickle('\x8b\xff\xff\xff\xff.'), /integer of 4294967295 bytes/],
    ['state for a list', pickle(']Nb.'), /attributes for something/],
    ['a storage id that is text', pickle(text('0'), 'Q.'), /a storage that is not described/],
  ];
  test.each(badPickles)('%s', async (_, bytes, message) => {
    await expectError(openTorchCheckpoint(await save(encodeTorchArchive(bytes, {}))), 'invalid-file', message);
  });
});

test('an entry that reaches into the directory of its archive is refused', async () => {
  const bytes = encodeZip({ 'a/data.pkl': new Uint8Array(8) });
  const central = bytes.indexOf(Buffer.from([0x50, 0x4b, 0x01, 0x02]));
  for (const field of [20, 24]) bytes.writeUInt32LE(9, central + field);
  await expect(openTorchCheckpoint(await save(bytes))).rejects.toThrow(/reaches into its directory/);
});
