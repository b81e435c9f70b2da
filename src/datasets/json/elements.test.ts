import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withFiles } from '../testing/read-all.ts';
import { type JsonElement, jsonElements } from './elements.ts';
import { JsonSyntaxError, parseJson } from './parse.ts';

async function elements(text: string, chunkBytes?: number): Promise<JsonElement[]> {
  return withFiles({ 'x.json': text }, async (folder) => {
    const found: JsonElement[] = [];
    for await (const batch of jsonElements(`${folder}/x.json`, { chunkBytes })) found.push(...batch);
    return found;
  });
}

describe('elements of a JSON file', () => {
  it('are those of JSON.parse, wherever chunks end', async () => {
    const json = fc.dictionary(fc.string(), fc.oneof(fc.array(fc.jsonValue()), fc.jsonValue()));
    const property = fc.asyncProperty(
      json,
      fc.integer({ min: 1, max: 40 }),
      fc.boolean(),
      async (value, size, isWide) => {
        const expected = Object.entries(JSON.parse(JSON.stringify(value))).flatMap(([section, item]) =>
          Array.isArray(item)
            ? item.map((element, index) => ({ section, index, value: element }))
            : [{ section, index: -1, value: item }],
        );
        const text = isWide ? JSON.stringify(value, null, 2) : JSON.stringify(value);
        expect(await elements(text, size)).toEqual(expected);
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });

  it('are those of a top-level array too', async () => {
    expect(await elements(' [1, {"a": "]\\""}, []] ', 3)).toEqual([
      { section: '', index: 0, value: 1 },
      { section: '', index: 1, value: { a: ']"' } },
      { section: '', index: 2, value: [] },
    ]);
    expect(await elements('[]')).toEqual([]);
  });

  it('may hold what Python writes', async () => {
    expect(await elements('{"a": [NaN, {"b": [-Infinity, Infinity, 1]}]}')).toEqual([
      { section: 'a', index: 0, value: Number.NaN },
      { section: 'a', index: 1, value: { b: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 1] } },
    ]);
  });

  it('are refused with line, column and reason', async () => {
    const cases: [string, RegExp][] = [
      ['{"a": [1, 2,]}', /:1:13: .*a comma before \]/],
      ['{"a": [1],}', /:1:11: .*a comma before \}/],
      ['{"a": [{"b": 1,}]}', /:1:15: .*a comma before \}/],
      ['{"a": [\n{"b" 1}]}', /:2:6: .*colon/],
      ['{"a": [\n{"é": 1 2}]}', /:2:10: .*comma or \}/],
      ["{'a': 1}", /:1:2: .*double quotes/],
      ['{"a": ["x\ny"]}', /:1:8: .*control character/],
      ['{"a": [undefined]}', /:1:8: .*expected a value, got undefined/],
      ['{"a": 1}\n{"a": 2}', /:2:1: .*JSON Lines/],
      ['{"a": [1, 2', /:1:12: .*ends too early in "a" at entry 1/],
      ['{"a": "x', /:1:9: .*ends too early/],
      ['', /:1:1: .*empty/],
      ['text', /:1:1: .*expected \{ or \[/],
      ['{"a": [}]}', /:1:8: .*expected a value, got \}/],
    ];
    for (const [text, message] of cases) await expect(elements(text), text).rejects.toThrow(message);
  });
});

describe('JSON as Python writes it', () => {
  it('is what JSON.parse reads, and refused at the same texts but for NaN', () => {
    const text = fc.oneof(
      fc.json(),
      fc.json().chain((json) => fc.nat(json.length).map((at) => json.slice(0, at))),
    );
    fc.assert(
      fc.property(text, (json) => {
        let expected: unknown;
        try {
          expected = JSON.parse(json);
        } catch {
          expect(() => parseJson(json)).toThrow(JsonSyntaxError);
          return;
        }
        expect(parseJson(json)).toEqual(expected);
        // A NaN in front makes the slower parser read the rest.
        expect(parseJson(`[NaN,${json}]`)).toEqual([Number.NaN, expected]);
      }),
    );
  });
});
