import { link, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { convertCommand } from './convert.ts';
import { exportCommand } from './export.ts';
import { drawingTargets, OutputFiles } from './output-files.ts';

let folder: string;
let image: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatrex-output-'));
  image = join(folder, 'my.png');
  await writeFile(image, 'pixels');
});
afterEach(() => rm(folder, { recursive: true }));

describe('an input', () => {
  it('is never written to, whatever it is called', async () => {
    const [soft, hard] = [join(folder, 'soft.png'), join(folder, 'hard.png')];
    await symlink('my.png', soft);
    await link(image, hard);
    const inner = join(folder, 'inner');
    await symlink('.', inner);
    const spellings = [image, relative('.', image), join(folder, '..', relative(tmpdir(), image)), soft, hard];
    for (const path of [...spellings, join(inner, 'my.png')]) {
      for (const isForced of [false, true]) {
        await expect(new OutputFiles([image], isForced).require([path]), path).rejects.toThrow(/is an input/);
        await expect(new OutputFiles([path], isForced).require([image]), path).rejects.toThrow(/is an input/);
      }
    }
  });

  it('that does not exist is in nobody’s way', async () => {
    await new OutputFiles(['-', 'nowhere.png']).require([join(folder, 'new.png')]);
  });
});

describe('another file', () => {
  it('is replaced when that is asked for, or when this run wrote it', async () => {
    const other = join(folder, 'other.png');
    await writeFile(other, 'dear');
    const outputs = new OutputFiles([image]);
    await expect(outputs.require([other])).rejects.toThrow(/other\.png" exists; name another file, or say --force/);
    await new OutputFiles([image], true).require([other]);
    const mine = join(folder, 'deep/er/mine.png');
    await outputs.require([mine]);
    await outputs.write(mine, Uint8Array.of(65));
    await outputs.require([mine]);
    await outputs.write(mine, Uint8Array.of(66));
    expect(await readFile(mine, 'utf8')).toBe('B');
    expect(await readFile(other, 'utf8')).toBe('dear');
  });

  it('that is a dead link counts as one; a folder, and a file on the way to a folder, are refused', async () => {
    await symlink('nowhere', join(folder, 'dead.png'));
    const outputs = new OutputFiles([], false);
    await expect(outputs.require([join(folder, 'dead.png')])).rejects.toThrow(/exists/);
    await expect(outputs.require([folder])).rejects.toThrow(/is a folder/);
    await expect(outputs.require([join(image, 'a.png')])).rejects.toThrow(/no folder/);
  });
});

describe('other commands that write', () => {
  it('convert and export replace nothing either', async () => {
    const converted = convertCommand().exitOverride();
    await expect(converted.parseAsync([image, image, '--force'], { from: 'user' })).rejects.toThrow(/is an input/);
    await writeFile(join(folder, 'model.safetensors'), 'dear');
    const exported = exportCommand().exitOverride();
    const args = ['--mllm', 'runs/none', '--out', folder];
    await expect(exported.parseAsync(args, { from: 'user' })).rejects.toThrow(/model\.safetensors" exists.*--force/);
  });
});

describe('where drawings go', () => {
  const places = [
    { path: 'a/x.png', place: 'x.png' },
    { path: 'b/y.png', place: 'y.png' },
  ];

  it('one image into a file, several into a folder', async () => {
    await mkdir(join(folder, 'there.d'));
    const ending = { ending: '.boxes.jpg' };
    expect(await drawingTargets('new.webp', places.slice(0, 1), ending)).toEqual(['new.webp']);
    expect(await drawingTargets('new', places, ending)).toEqual(['new/x.png.boxes.jpg', 'new/y.png.boxes.jpg']);
    expect(await drawingTargets('new.d/', places.slice(0, 1), ending)).toEqual(['new.d/x.png.boxes.jpg']);
    const there = join(folder, 'there.d');
    expect(await drawingTargets(there, places.slice(0, 1), ending)).toEqual([join(there, 'x.png.boxes.jpg')]);
    await expect(drawingTargets('new.png', places, ending)).rejects.toThrow(/one file for 2 images; name a folder/);
  });

  it('never into a file whose name says no format', async () => {
    const one = places.slice(0, 1);
    await expect(drawingTargets('a.html', one, { ending: '' })).rejects.toThrow(/must end in \.png, \.jpg, \.jpeg or/);
    expect(await drawingTargets('a.html', one, { ending: '', mayBeHtml: true })).toEqual(['a.html']);
    await expect(drawingTargets('a.txt', one, { ending: '', mayBeHtml: true })).rejects.toThrow(
      /\.html, or be a folder/,
    );
  });
});
