/**
 * Questions of POPE's form about photographs with true boxes: is there a ... in the image? Half of them have the answer
 * yes. Absent things are drawn at random, from the most frequent, or from those that are often there beside what is.
 *
 *     npx tsx tools/photo/pope-questions.ts --data data/photos/validation.jsonl --out data/pope
 *
 * Writes `coco_pope_{random,popular,adversarial}.json`, for `chatrex eval pope --truth ... --images FOLDER`.
 */

import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Sample } from '../../src/datasets/sample.ts';
import { writeBeside } from '../../src/files.ts';
import { articleFor } from '../../src/prompt/words.ts';
import { createRandom, type Random } from '../../src/random.ts';

const { values: options } = parseArgs({ options: { data: { type: 'string' }, out: { type: 'string' } } });
const { data, out } = options;
if (!data || !out) {
  process.stderr.write('give --data FILE.jsonl and --out FOLDER\n');
  process.exit(2);
}

/** As POPE asks: three things that are there and three that are not. */
const ofEach = 3;

const [header, ...lines] = (await readFile(data, 'utf8')).trim().split('\n');
const vocabulary: string[] = JSON.parse(header).vocabulary.map(({ name }: { name: string }) => name);
const samples: Sample[] = lines.map((line) => JSON.parse(line)).filter((sample) => hasTruth(sample));
const present = samples.map(({ regions }) => new Set(regions.flatMap(({ category }) => category ?? [])));
const frequency = countOf(present.flatMap((names) => [...names]));

type Choose = (there: ReadonlySet<string>, random: Random) => string[];
const kinds: Record<string, Choose> = {
  random: (there, random) => random.shuffle(absentFrom(there)),
  popular: (there) => byCount(absentFrom(there), frequency),
  adversarial: (there) => {
    const beside = countOf(present.flatMap((names) => ([...names].some((name) => there.has(name)) ? [...names] : [])));
    return byCount(absentFrom(there), beside);
  },
};

await mkdir(out, { recursive: true });
for (const [kind, choose] of Object.entries(kinds)) {
  const questions = samples.flatMap(({ id, image }, i) => {
    const random = createRandom(`pope/${kind}/${id}`);
    const there = random.shuffle([...present[i]]).slice(0, ofEach);
    const absent = choose(present[i], random).slice(0, there.length);
    return there.flatMap((name, n) => [
      { image: image?.file, text: asked(name), label: 'yes' },
      { image: image?.file, text: asked(absent[n]), label: 'no' },
    ]);
  });
  const text = questions.map((question, i) => `${JSON.stringify({ question_id: i + 1, ...question })}\n`).join('');
  await writeBeside(join(out, `coco_pope_${kind}.json`), (file) => file.writeFile(text));
  process.stderr.write(`${kind}: ${questions.length} questions about ${samples.length} photographs\n`);
}

/** Boxes that a detector found are not the truth. */
function hasTruth({ regions }: Sample): boolean {
  return regions.length > 0 && regions.every(({ score }) => score === undefined);
}

function asked(name: string): string {
  return `Is there ${articleFor(name)} ${name} in the image?`;
}

function absentFrom(there: ReadonlySet<string>): string[] {
  return vocabulary.filter((name) => !there.has(name));
}

function countOf(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function byCount(names: readonly string[], counts: ReadonlyMap<string, number>): string[] {
  return [...names].sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0));
}
