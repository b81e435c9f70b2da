/**
 * How well a model describes photographs: CIDEr against what people said of them, and the share of the things it names
 * that are in the image.
 *
 *     npx tsx tools/photo/measure-captions.ts --model photo --data data/validation.jsonl --images ../shared/photos
 *
 * `--limit N` photographs, `--show N` captions beside the first of a person's, `--json`.
 *
 * The data are lines of `tools/photo/make-data.ts`. Without true boxes, a thing is in the image if anybody named it.
 */

import { parseArgs } from 'node:util';
import { ChatRex } from '../../src/chatrex.ts';
import { ciderScores } from '../../src/evaluation/metrics/cider.ts';
import { plainText } from '../../src/grounding/render.ts';
import { openDataset } from '../../src/open-dataset.ts';
import { questionFor } from '../../src/prompt/templates.ts';
import { classifyPhrase } from '../../src/rexverse/phrases/classify-phrase.ts';
import { nounPhrases } from '../../src/rexverse/phrases/noun-phrases.ts';
import { categoryOf } from './named-things.ts';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', default: 'photo' },
    data: { type: 'string' },
    images: { type: 'string' },
    cache: { type: 'string', default: 'runs/cache' },
    limit: { type: 'string', default: '1000000' },
    show: { type: 'string', default: '0' },
    json: { type: 'boolean', default: false },
  },
});
const { data, images } = options;
if (!data || !images) {
  process.stderr.write('give --data FILE.jsonl and --images FOLDER\n');
  process.exit(2);
}

const spec = { format: 'json-lines', options: { path: data, images } };
const dataset = await openDataset(spec, { cacheFolder: options.cache });
const model = await ChatRex.load(options.model);
const captioned: { candidate: string; references: string[] }[] = [];
const named = { right: 0, all: 0 };
for (let index = 0; index < dataset.size && captioned.length < Number(options.limit); index++) {
  const sample = await dataset.sample(index);
  const references = sample.conversations
    .filter(({ task }) => task === 'brief-caption')
    .flatMap(({ turns }) => turns.map(({ answer }) => plainText(answer)));
  if (references.length === 0) continue;
  const encoded = await model.encode(await dataset.image(index));
  const { text } = await encoded.ask(questionFor('caption-brief'));
  captioned.push({ candidate: text, references });
  const there = new Set([...references.flatMap(thingsIn), ...sample.regions.map(({ category }) => category)]);
  for (const thing of thingsIn(text)) {
    named.all++;
    if (there.has(thing)) named.right++;
  }
  if (captioned.length <= Number(options.show)) process.stderr.write(`${sample.id}: ${text}\n    ${references[0]}\n`);
}
await Promise.all([model.dispose(), dataset.close()]);

const scores = ciderScores(captioned);
const report = {
  photographs: captioned.length,
  cider: scores.reduce((sum, score) => sum + score, 0) / scores.length,
  namedThings: named.all,
  inTheImage: named.right / named.all,
  differentCaptions: new Set(captioned.map(({ candidate }) => candidate)).size,
};
process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : table(report));

/** The detector's categories that a text names. */
function thingsIn(text: string): string[] {
  const all = nounPhrases(text).map((phrase) => categoryOf(classifyPhrase(phrase).category));
  return [...new Set(all.filter((category) => category !== undefined))];
}

function table(rows: Record<string, number>): string {
  return Object.entries(rows)
    .map(([name, value]) => `${name.padEnd(20)} ${Number.isInteger(value) ? value : value.toFixed(3)}\n`)
    .join('');
}
