/**
 * One model in a process of its own, so that its memory is its own: prints one line of JSON. Started by `language.ts`.
 */

import { readFileSync } from 'node:fs';
import { loadLanguageModel } from '../src/language/load.ts';

const [folder, promptTokens, decodeTokens, runs] = [process.argv[2], ...process.argv.slice(3).map(Number)];

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const gigabytes = (field: string): number => {
  const line = new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(line?.[1]) / 2 ** 20;
};
/** Wall and processor seconds. */
interface Seconds {
  wall: number;
  processor: number;
}
const seconds = async (work: () => Promise<unknown>): Promise<Seconds> => {
  const [start, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return { wall: (performance.now() - start) / 1000, processor: (user + system) / 1e6 };
};
const medianOf = (times: Seconds[], field: keyof Seconds): number => median(times.map((time) => time[field]));

let model!: Awaited<ReturnType<typeof loadLanguageModel>>;
const load = await seconds(async () => {
  model = await loadLanguageModel(folder, { maxPositions: promptTokens + decodeTokens + 64 });
});

const cache = model.createCache({ capacity: promptTokens + decodeTokens + 64 });
const prompt = await model.embed(Array.from({ length: promptTokens }, (_, i) => 3 + ((i * 7919) % 31990)));
const question = await model.embed(Array.from({ length: 32 }, (_, i) => 3 + ((i * 104729) % 31990)));
const prefill: Seconds[] = [];
const second: Seconds[] = [];
for (let run = 0; run < runs; run++) {
  cache.rewind(0);
  prefill.push(await seconds(() => model.read(cache, 0, prompt)));
  second.push(await seconds(() => model.read(cache, 0, question)));
}
const decode: Seconds[] = [];
for (let step = 0; step < decodeTokens; step++) {
  decode.push(await seconds(() => model.step(cache, [3 + step], [true])));
}
console.log(
  JSON.stringify({
    load: load.wall,
    read: promptTokens / medianOf(prefill, 'wall'),
    write: 1 / medianOf(decode, 'wall'),
    readMs: (1000 * medianOf(prefill, 'processor')) / promptTokens,
    writeMs: 1000 * medianOf(decode, 'processor'),
    first: median(prefill.map(({ wall }, i) => wall + second[i].wall)),
    second: medianOf(second, 'wall'),
    resident: gigabytes('VmRSS'),
    own: gigabytes('RssAnon'),
    peak: gigabytes('VmHWM'),
  }),
);
await model.dispose();
