import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { convertTorchCheckpoint } from './convert.ts';
import { openSafetensors } from './safetensors.ts';
import { expectError, useScratchFolder } from './testing/support.ts';
import { encodeTorchArchive, global, pickle, pickleTensor, text } from './testing/torch-archive.ts';
import { openTorchCheckpoint } from './torch-checkpoint.ts';

const scratch = useScratchFolder();
const cases = new URL('../../../shared/cases/', import.meta.url).pathname;
const tensor = pickleTensor().subarray(pickle('\x80\x02}', text('w')).length, -2);
const weights = (name: string) => pickle('}', text(name), tensor, 's');
const data = { 0: new Uint8Array(8) };

/** A dict of pickled values. */
const dict = (entries: Readonly<Record<string, Buffer>>): Buffer =>
  pickle('\x80\x02}', ...Object.entries(entries).flatMap(([key, value]) => [text(key), value, 's']), '.');

let count = 0;
async function save(entries: Readonly<Record<string, Buffer>>): Promise<string> {
  const path = scratch(`case-${count++}.pth`);
  await writeFile(path, encodeTorchArchive(dict(entries), data));
  return path;
}

async function converted(path: string, key?: string): Promise<string[]> {
  const target = scratch(`out-${count++}.safetensors`);
  await convertTorchCheckpoint(path, target, { key });
  return [...(await openSafetensors(target)).tensors.keys()].sort();
}

const moments = pickle('}', text('state'), weights('exp_avg'), 's');
const epoch = pickle('K\x03');

test('of a training checkpoint the weights are written, and not the moments of its optimizer', async () => {
  expect(await converted(await save({ model: weights('a'), optimizer: moments, epoch }))).toEqual(['a']);
  expect(await converted(await save({ state_dict: weights('a'), lr_schedulers: pickle(']'), epoch }))).toEqual(['a']);
  expect(await converted(await save({ detector: weights('a'), optimizer_states: moments }))).toEqual(['a']);
  expect(await converted(await save({ model: weights('a'), epoch }))).toEqual(['a']);
});

test('two candidates are not chosen between, and none is no choice', async () => {
  const two = await save({ model: weights('a'), ema: weights('a'), optimizer: moments });
  await expectError(converted(two), 'invalid-argument', /tensors under 'model', 'ema': choose one with --key/);
  expect(await converted(two, 'ema')).toEqual(['a']);
  await expectError(converted(await save({ optimizer: moments, epoch })), 'invalid-argument', /no weights.*--key/);
});

test('a plain state dict, and a dict of parts, keep all their names', async () => {
  expect(await converted(await save({ a: tensor, model: weights('b') }))).toEqual(['a', 'model.b']);
  expect(await converted(await save({ encoder: weights('a'), decoder: weights('a') }))).toEqual([
    'decoder.a',
    'encoder.a',
  ]);
});

/** Objects that training scripts keep beside the weights, as pickle spells them. */
const beside: [string, Buffer][] = [
  ['argparse.Namespace', pickle(global('argparse', 'Namespace'), ')\x81}', text('lr'), 'K\x01sb')],
  [
    'a numpy scalar',
    pickle(
      ...[global('numpy.core.multiarray', 'scalar'), global('numpy', 'dtype'), text('f8'), '\x89\x88\x87R'],
      ...[
        '(K\x03',
        text('<'),
        'NNNK\x00K\x00K\x00tb',
        global('_codecs', 'encode'),
        text('x'),
        text('latin1'),
        '\x86R\x86R',
      ],
    ),
  ],
  ['a set of protocol 4', pickle('\x8f(K\x01\x90')],
  ['a set of protocol 2', pickle(global('__builtin__', 'set'), ']K\x01a\x85R')],
  ['a frozenset', pickle('(K\x01\x91')],
  ['torch.device', pickle(global('torch', 'device'), text('cuda'), '\x85R')],
  ['a path', pickle(global('pathlib', 'PosixPath'), text('/home'), '\x85R')],
];
test.each(beside)('%s beside the weights is no obstacle, and is listed as no tensor', async (_, object) => {
  const path = await save({ model: weights('a'), args: object });
  expect(await converted(path)).toEqual(['a']);
  expect(await converted(path, 'model')).toEqual(['a']);
  const everything = await openTorchCheckpoint(path);
  expect([...everything.tensors.keys()]).toEqual(['model.a']);
});

test('an unknown object is passed by outside the chosen part and refused by name inside it', async () => {
  const object = pickle(global('posix', 'system'), text('touch /tmp/never'), '\x85R');
  const path = await save({ model: weights('a'), hook: object });
  expect(await converted(path, 'model')).toEqual(['a']);
  expect(await converted(path)).toEqual(['a']);
  await expectError(
    openTorchCheckpoint(path),
    'invalid-file',
    /at "hook" the Python global "posix\.system"; only tensors/,
  );
  const inside = await save({ model: pickle('}', text('a'), tensor, 's', text('b'), object, 's') });
  await expectError(converted(inside, 'model'), 'invalid-file', /at "b" the Python global "posix\.system"/);
});

describe.skipIf(!existsSync(cases))('files that users had', () => {
  test('trainer.pth and namespace.pth', async () => {
    expect(await converted(`${cases}trainer.pth`)).toEqual(['a.bias', 'a.weight']);
    expect(await converted(`${cases}namespace.pth`, 'model')).toEqual(['a.bias', 'a.weight']);
    expect(await converted(`${cases}namespace.pth`)).toEqual(['a.bias', 'a.weight']);
  });

  test('lfs.safetensors and html.pth', async () => {
    await expectError(openSafetensors(`${cases}lfs.safetensors`), 'invalid-file', /Git LFS pointer/);
    await expectError(openTorchCheckpoint(`${cases}html.pth`), 'invalid-file', /web page \("Google Drive - Virus/);
  });
});
