import { cp, mkdir, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { ChatRex } from '../chatrex.ts';
import { readConfig } from '../language/load.ts';
import { loadTokenizer } from '../prompt/tokenizer/load-tokenizer.ts';
import { openCheckpoint } from './checkpoint.ts';
import { openSafetensors } from './safetensors.ts';
import { expectError, useScratchFolder } from './testing/support.ts';
import { openTorchCheckpoint } from './torch-checkpoint.ts';

const scratch = useScratchFolder();
const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'ab'.repeat(32)}\nsize 1240000000\n`;
const page =
  '<!DOCTYPE html><html><head><title>Virus scan\u001b[31m warning</title></head><body>too large</body></html>';
const wrong: [string, string, RegExp][] = [
  ['a Git LFS pointer', pointer, /is a Git LFS pointer, not the file of 1240000000 bytes .*git lfs pull/],
  ['a web page', page, /is a web page \("Virus scan \[31m warning"\), not the file/],
  ['an error in JSON', '{"error":"Repository not found"}', /a server's error message \("Repository not found"\)/],
  ['an error in XML', '<?xml version="1.0"?><Error><Message>Access denied</Message></Error>', /\("Access denied"\)/],
  ['a gzip archive', '\x1f\x8b\x08', /compressed with gzip/],
];

test.each(wrong)(
  '%s is called that, as weights of either format, as shard, index, configuration and tokenizer',
  async (name, text, message) => {
    const folder = scratch(name.replaceAll(' ', '-'));
    await mkdir(folder);
    const path = async (file: string, content = text) => {
      await writeFile(`${folder}/${file}`, content, 'latin1');
      return `${folder}/${file}`;
    };
    await expectError(openSafetensors(await path('a.safetensors')), 'invalid-file', message);
    await expectError(openTorchCheckpoint(await path('a.pth')), 'invalid-file', message);
    await expectError(openCheckpoint(await path('b.bin')), 'invalid-file', message);
    await path('model.safetensors.index.json', JSON.stringify({ weight_map: { w: 'a.safetensors' } }));
    await expectError(openCheckpoint(folder), 'invalid-file', message);
    await path('model.safetensors.index.json');
    await expectError(openCheckpoint(folder), 'invalid-file', message);
    await path('config.json');
    await expectError(readConfig(folder), 'invalid-file', message);
    await path('tokenizer.json');
    await expectError(loadTokenizer(folder), 'invalid-file', message);
  },
);

test('a tokenizer.model and a model folder that are pointers are called that too', async () => {
  const folder = scratch('sentencepiece');
  await mkdir(folder);
  await writeFile(`${folder}/tokenizer.model`, pointer);
  await expectError(loadTokenizer(folder), 'invalid-file', /tokenizer\.model is a Git LFS pointer/);
  await cp('fixtures/chatrex/tiny-gated', scratch('model'), { recursive: true });
  await writeFile(scratch('model/model.safetensors'), pointer);
  await expectError(ChatRex.load(scratch('model')), 'invalid-file', /model\.safetensors is a Git LFS pointer/);
});

test('JSON that is cut names the file and the place', async () => {
  await writeFile(scratch('config.json'), '{"model_type":');
  const { message } = await expectError(readConfig(scratch('.')), 'invalid-file', /config\.json: expected JSON/);
  expect(message).toMatch(/Unexpected end|position/);
});
