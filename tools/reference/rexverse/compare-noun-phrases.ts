/**
 * Compares our noun phrases with spaCy's: `npx tsx tools/reference/rexverse/compare-noun-phrases.ts chunks.jsonl
 * [--errors]`.
 */

import { readFileSync } from 'node:fs';
import { compareSpans, type SpanRange, scores } from '../../../src/rexverse/phrases/compare-phrases.ts';
import { nounPhrases } from '../../../src/rexverse/phrases/noun-phrases.ts';

interface Line {
  readonly text: string;
  readonly chunks: readonly (readonly [start: number, end: number, isPronoun: boolean])[];
}

const [path, ...flags] = process.argv.slice(2);
const lines = readFileSync(path, 'utf8')
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line) as Line);

const agreements = lines.map(({ text, chunks }) => {
  const gold = chunks.filter(([, , isPronoun]) => !isPronoun).map(([start, end]): SpanRange => [start, end]);
  const ours = nounPhrases(text).map(({ start, end }): SpanRange => [start, end]);
  if (flags.includes('--errors')) {
    const key = ([start, end]: SpanRange) => text.slice(start, end);
    const extra = ours.filter((span) => !gold.some((other) => other.join() === span.join())).map(key);
    const missed = gold.filter((span) => !ours.some((other) => other.join() === span.join())).map(key);
    if (extra.length + missed.length > 0) console.log(JSON.stringify({ text, extra, missed }));
  }
  return compareSpans(ours, gold);
});
const { precision, recall, f1, headF1 } = scores(agreements);
const shown = (value: number) => value.toFixed(3);
console.log(
  `${lines.length} texts: precision ${shown(precision)}, recall ${shown(recall)}, F1 ${shown(f1)}, head F1 ${shown(headF1)}`,
);
