/** Damages files and checks that a reader answers with faults or a typed error, never otherwise. */

import fc from 'fast-check';
import { ChatRexError } from '../../errors.ts';
import type { Reader } from '../reader.ts';
import type { Sample } from '../sample.ts';
import { readFiles, type TestFiles } from './read-all.ts';

type Damage =
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'byte'; readonly at: number; readonly byte: number }
  | { readonly kind: 'swap'; readonly at: number; readonly token: string }
  | { readonly kind: 'repeat'; readonly at: number; readonly length: number };

/** CHATREX_FUZZ=20 reads twenty times as many damaged files as the suite has time for. */
const factor = Number(process.env.CHATREX_FUZZ ?? 1);

/** What replaces a few bytes: values of other types and sizes, and what is not JSON. */
const tokens = [
  'null',
  '[]',
  '{}',
  '-1',
  '1e999',
  'NaN',
  '""',
  '"<obj3>"',
  '[[',
  '}',
  ',',
  '\n',
  '\u0000',
  '0',
  'true',
  '\t',
];

const share = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });

const damages: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ kind: fc.constant('cut' as const), at: share }),
  fc.record({ kind: fc.constant('byte' as const), at: share, byte: fc.nat(255) }),
  fc.record({ kind: fc.constant('swap' as const), at: share, token: fc.constantFrom(...tokens) }),
  fc.record({ kind: fc.constant('repeat' as const), at: share, length: fc.integer({ min: 1, max: 60 }) }),
);

function damaged(bytes: Uint8Array, damage: Damage): Uint8Array {
  const at = Math.floor(damage.at * bytes.length);
  if (damage.kind === 'cut') return bytes.subarray(0, at);
  if (damage.kind === 'byte') {
    const copy = Uint8Array.from(bytes);
    copy[at] = damage.byte;
    return copy;
  }
  const head = bytes.subarray(0, at);
  if (damage.kind === 'repeat')
    return Buffer.concat([head, bytes.subarray(at, at + damage.length), bytes.subarray(at)]);
  // The value under way is replaced: up to the next separator.
  const rest = Buffer.from(bytes.subarray(at));
  const end = rest.findIndex((byte) => [0x2c, 0x5d, 0x7d, 0x0a, 0x09].includes(byte));
  return Buffer.concat([head, Buffer.from(damage.token), rest.subarray(Math.max(0, end))]);
}

/**
 * Reads files of which one is damaged in one to three places.
 * @param targets names of the files to damage
 * @param runs how many damaged sets are read
 */
export async function fuzzReader<Options>(
  reader: Reader<Options>,
  files: TestFiles,
  options: Record<string, unknown>,
  { targets, runs = 60 }: { readonly targets: readonly string[]; readonly runs?: number },
): Promise<void> {
  const bytesOf = (name: string): Uint8Array => {
    const content = files[name];
    if (content instanceof Uint8Array) return content;
    return Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
  };
  const property = fc.asyncProperty(
    fc.constantFrom(...targets),
    fc.array(damages, { minLength: 1, maxLength: 3 }),
    async (target, list) => {
      const bytes = list.reduce(damaged, bytesOf(target));
      try {
        const { samples } = await readFiles(reader, { ...files, [target]: bytes }, options);
        for (const sample of samples) assertSound(sample);
      } catch (error) {
        if (!(error instanceof ChatRexError)) throw error;
        if (error.message.includes('\n')) throw new Error(`an error of several lines: ${error.message}`);
      }
    },
  );
  await fc.assert(property, { numRuns: runs * factor });
}

function assertSound({ id, regions, phrases, conversations, image }: Sample): void {
  const check = (isGood: boolean, what: string) => {
    if (!isGood) throw new Error(`sample ${id}: ${what}`);
  };
  for (const { boxXyxy, partOf } of regions) {
    const [left, top, right, bottom] = boxXyxy;
    check(boxXyxy.length === 4 && boxXyxy.every(Number.isFinite), `box ${boxXyxy}`);
    check(left < right && top < bottom && left >= 0 && top >= 0, `box ${boxXyxy}`);
    const { width, height } = image?.size ?? { width: Infinity, height: Infinity };
    check(right <= width && bottom <= height, `box ${boxXyxy} in ${width} x ${height}`);
    check(partOf === undefined || regions[partOf] !== undefined, `part of ${partOf}`);
  }
  for (const phrase of phrases) {
    check(typeof phrase.text === 'string', 'a phrase without text');
    check(
      phrase.regions.every((index) => regions[index] !== undefined),
      `phrase of ${phrase.regions}`,
    );
  }
  for (const { turns } of conversations) {
    for (const span of turns.flatMap(({ question, answer }) => [...question, ...answer])) {
      check(typeof span.text === 'string', 'a span without text');
      const objects = span.kind === 'phrase' ? span.objects : [];
      check(
        objects.every((index) => regions[index] !== undefined),
        `span of ${objects}`,
      );
    }
  }
}
