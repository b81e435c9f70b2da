/**
 * Decoding a JPEG of 12 megapixels and resizing it to what models want, against sharp and Pillow.
 *
 *     npx tsx bench/resize.ts [--python PYTHON] [--rounds 9]
 *
 * In turns; medians of milliseconds of the processor, which is what tells on a busy machine. Ours and Pillow's pixels
 * are the same (`src/image/resize.test.ts`); sharp's are not. Pillow is left out where PYTHON has none.
 */

import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { decodeImage } from '../src/image/decode.ts';
import { type ResizeFilter, resizeImage } from '../src/image/resize.ts';
import { median } from './step-time.ts';

const { values } = parseArgs({
  options: { python: { type: 'string', default: 'python3' }, rounds: { type: 'string', default: '9' } },
});
const rounds = Number(values.rounds);
const [width, height] = [4000, 3000];
const targets: [number, number, ResizeFilter][] = [
  [1066, 800, 'bilinear'],
  [416, 416, 'bilinear'],
  [341, 256, 'bilinear'],
  [768, 768, 'bicubic'],
];

const pillow = `
import sys, time
from PIL import Image
path, rounds = sys.argv[1], int(sys.argv[2])
def median(work):
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(1000 * (time.process_time() - start))
    return sorted(times)[rounds // 2]
print(median(lambda: Image.open(path).convert('RGB').load()))
image = Image.open(path).convert('RGB')
for target in sys.argv[3:]:
    width, height, name = target.split(',')
    print(median(lambda: image.resize((int(width), int(height)), getattr(Image, name.upper()))))
`;

async function processorMs(work: () => Promise<unknown> | unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const folder = await mkdtemp(join(tmpdir(), 'bench-resize-'));
try {
  // Waves of several lengths: as much to decode as in a photograph.
  const pixels = new Uint8Array(3 * width * height);
  for (let i = 0; i < pixels.length; i++) {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / (3 * width))];
    pixels[i] = 128 + 60 * Math.sin(x / 9 + (i % 3)) * Math.cos(y / 14) + 50 * Math.sin((x + 2 * y) / 301);
  }
  const path = join(folder, 'photo.jpg');
  const raw = { width, height, channels: 3 } as const;
  await writeFile(path, await sharp(pixels, { raw }).jpeg({ quality: 90 }).toBuffer());
  const image = await decodeImage(path);
  const names = ['decode', ...targets.map(([w, h, filter]) => `${w} x ${h} ${filter}`)];
  const ours = names.map((): number[] => []);
  const theirs = names.map((): number[] => []);
  sharp.concurrency(1);
  for (let round = 0; round < rounds; round++) {
    ours[0].push(await processorMs(() => decodeImage(path)));
    theirs[0].push(await processorMs(() => sharp(path).raw().toBuffer()));
    for (const [i, [w, h, filter]] of targets.entries()) {
      ours[i + 1].push(await processorMs(() => resizeImage(image, { width: w, height: h }, filter)));
      const kernel = filter === 'bilinear' ? 'linear' : 'cubic';
      const size = { width: w, height: h, fit: 'fill', kernel } as const;
      theirs[i + 1].push(await processorMs(() => sharp(image.data, { raw }).resize(size).raw().toBuffer()));
    }
  }
  const args = ['-c', pillow, path, String(rounds), ...targets.map((target) => target.join())];
  const { status, stdout } = spawnSync(values.python, args, { encoding: 'utf8' });
  const pillows = status === 0 ? stdout.trim().split('\n').map(Number) : [];
  names.forEach((name, i) => {
    const other = pillows[i] === undefined ? '' : `, Pillow ${pillows[i].toFixed(0)}`;
    console.log(
      `${name.padEnd(22)} ours ${median(ours[i]).toFixed(0)} ms, sharp ${median(theirs[i]).toFixed(0)}${other}`,
    );
  });
} finally {
  await rm(folder, { recursive: true });
}
