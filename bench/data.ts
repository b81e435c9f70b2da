/**
 * Memory and time of indexing and inspecting a COCO file of any size, each in its own process.
 *
 *   npx tsx bench/data.ts make FILE [GB]   a file with the shape of COCO's: polygons, crowds, annotations in any order
 *   npx tsx bench/data.ts index FILE       what `chatrex data index` does, with peak memory
 *   npx tsx bench/data.ts inspect FILE     what `chatrex data inspect` does
 */

import { open, stat } from 'node:fs/promises';
import { inspectDataset } from '../src/datasets/inspect.ts';
import { TextOutput } from '../src/datasets/writer.ts';
import { openDataset } from '../src/open-dataset.ts';
import { createRandom } from '../src/random.ts';

/** As many as COCO has for an image, on average. */
const annotationsOfImage = 7.3;
/** An annotation with its polygon takes about 385 bytes, an image 350. */
const bytesOfImage = 350 + annotationsOfImage * 385;
const categories = 80;

const [command, file, gigabytes] = process.argv.slice(2);
if (file === undefined || !['make', 'index', 'inspect'].includes(command)) {
  process.stderr.write('npx tsx bench/data.ts make|index|inspect FILE [GB]\n');
  process.exit(2);
}

if (command === 'make') await make(file, Number(gigabytes ?? 2.05));
else await measure(command, file);

async function make(path: string, size: number): Promise<void> {
  const random = createRandom('bench/data');
  const images = Math.round((size * 1e9) / bytesOfImage);
  const handle = await open(path, 'wx');
  const output = new TextOutput(handle);
  await output.write('{"info":{"description":"made for bench/data.ts"},"images":[');
  for (let id = 0; id < images; id++) {
    const name = String(id).padStart(12, '0');
    const url = `http://images.example.org/train/${name}.jpg`;
    const image = {
      license: 3,
      file_name: `${name}.jpg`,
      coco_url: url,
      height: 480,
      width: 640,
      date_captured: '2013-11-14 16:28:13',
      flickr_url: `http://farm9.example.org/8186/${name}_o_b3e1a2c4d5_z.jpg`,
      id,
    };
    await output.write(`${id > 0 ? ', ' : ''}${JSON.stringify(image)}`);
  }
  await output.write('],"annotations":[');
  const count = Math.round(images * annotationsOfImage);
  for (let id = 0; id < count; id++) {
    // Annotations are not in the order of images, as in COCO.
    await output.write(`${id > 0 ? ', ' : ''}${JSON.stringify(annotation(id, random.int(0, images - 1), random))}`);
  }
  const names = Array.from({ length: categories }, (_, at) => ({
    supercategory: 'thing',
    id: at + 1,
    name: `thing ${at}`,
  }));
  await output.write(`],"categories":${JSON.stringify(names)}}`);
  await output.flush();
  await handle.close();
  report({ file: path, bytes: (await stat(path)).size, images, annotations: count });
}

function annotation(id: number, imageId: number, random: ReturnType<typeof createRandom>) {
  const [left, top] = [random.range(0, 560), random.range(0, 420)];
  const [width, height] = [random.range(4, 80), random.range(4, 60)];
  const hundredths = (value: number) => Math.round(value * 100) / 100;
  const corners = Array.from({ length: 20 }, () => [
    hundredths(left + random.next() * width),
    hundredths(top + random.next() * height),
  ]);
  const bbox = [left, top, width, height].map(hundredths);
  return {
    segmentation: [corners.flat()],
    area: hundredths(width * height * 0.6),
    iscrowd: random.chance(0.01) ? 1 : 0,
    image_id: imageId,
    bbox,
    category_id: random.int(1, categories),
    id,
  };
}

async function measure(what: string, path: string): Promise<void> {
  const started = performance.now();
  const dataset = await openDataset({ format: 'coco', options: { path } }, { isRebuilt: what === 'index' });
  const counts = what === 'inspect' ? await inspectDataset(dataset) : undefined;
  await dataset.close();
  report({
    what,
    samples: dataset.size,
    ...(counts && { images: counts.images, regions: counts.regions, faults: counts.faults }),
    seconds: Math.round((performance.now() - started) / 100) / 10,
    peakMegabytes: Math.round(process.resourceUsage().maxRSS / 1024),
  });
}

function report(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
